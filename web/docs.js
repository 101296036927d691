// Renders /openapi.json.
import {byId, h} from "/assets/dom.js";
import {credentialsText, curlOf, exampleAnswer, exampleBody, resolve} from "/assets/reference.js";

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** `code` in a sentence. */
function prose(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

function typeName(schema) {
  if (!schema) return "any";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return h("a", {href: `#schema-${slug(name)}`}, name);
  }
  if (schema.oneOf) return h("span", {}, ...schema.oneOf.flatMap((each, index) => (index ? [" or ", typeName(each)] : [typeName(each)])));
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.type === "array") return h("span", {}, "array of ", typeName(schema.items));
  const types = [schema.type ?? "any"].flat().join(" or ");
  return schema.format ? `${types} (${schema.format})` : types;
}

function limits(schema) {
  const words = {minimum: "at least", maximum: "at most", maxLength: "at most (characters)", maxItems: "at most (items)", default: "default"};
  return Object.entries(words).filter(([name]) => schema[name] !== undefined).map(([name, word]) => `${word} ${schema[name]}`).join(", ");
}

function fields(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, value]) => h("tr", {},
    h("th", {scope: "row"}, h("code", {}, name), schema.required?.includes(name) ? "" : h("span", {}, " (optional)")),
    h("td", {}, typeName(value)),
    h("td", {}, ...prose(value.description), value.description && limits(value) ? "; " : "", limits(value))));
  return rows.length ? h("div", {class: "scroll"}, h("table", {}, h("thead", {}, h("tr", {}, ...["Field", "Type", "What it says"].map((each) => h("th", {scope: "col"}, each)))),
    h("tbody", {}, ...rows))) : null;
}

function parameters(document, list) {
  const rows = list.map((each) => resolve(document, each)).map((each) => h("tr", {},
    h("th", {scope: "row"}, h("code", {}, each.name)), h("td", {}, each.in), h("td", {}, typeName(each.schema)),
    h("td", {}, ...prose(each.description), each.description && limits(each.schema) ? " " : "", limits(each.schema))));
  return h("div", {class: "scroll"}, h("table", {}, h("caption", {}, "Parameters"),
    h("thead", {}, h("tr", {}, ...["Name", "In", "Type", "What it says"].map((each) => h("th", {scope: "col"}, each)))), h("tbody", {}, ...rows)));
}

function answers(document, responses) {
  return h("dl", {class: "facts"}, ...Object.entries(responses).flatMap(([status, given]) => {
    const response = resolve(document, given);
    const [type, content] = Object.entries(response.content ?? {})[0] ?? [];
    return [h("dt", {}, status === "default" ? "otherwise" : status),
      h("dd", {}, ...prose(response.description), type ? " " : "", type ? h("code", {}, type) : "", content?.schema?.$ref ? " " : "", content?.schema?.$ref ? typeName(content.schema) : "")];
  }));
}

function copyButton(text, what) {
  const button = h("button", {type: "button", class: "quiet small", "aria-label": `Copy the ${what}`}, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Select it to copy"; });
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

function sample(title, text, name) {
  return [h("div", {class: "row spread"}, h("h3", {}, title), copyButton(text, name)), h("pre", {tabindex: "0", "aria-label": name}, text)];
}

function examples(document, path, method, given) {
  const body = exampleBody(document, given);
  const answer = exampleAnswer(document, given);
  return [
    ...sample("curl", curlOf(document, path, method, given, location.origin), `command of ${given.operationId}`),
    ...(body === undefined ? [] : sample("Example of the body", JSON.stringify(body, null, 2), `example body of ${given.operationId}`)),
    ...(answer.body === undefined ? [] : sample(`Example of an answer, ${answer.status}`, JSON.stringify(answer.body, null, 2), `example answer of ${given.operationId}`)),
  ];
}

function operation(document, path, method, given) {
  const body = Object.entries(given.requestBody?.content ?? {})[0];
  const schema = body?.[1].schema;
  return h("details", {class: "operation", id: given.operationId},
    h("summary", {}, h("span", {class: "method"}, method.toUpperCase()), h("code", {}, path), ` ${given.summary}`),
    h("p", {}, ...prose(given.description)),
    h("p", {}, credentialsText(given)),
    given.parameters?.length ? parameters(document, given.parameters) : null,
    schema ? h("h3", {}, "Body: ", typeName(schema)) : null,
    schema ? fields(resolve(document, schema)) : null,
    h("h3", {}, "Answers"), answers(document, given.responses),
    ...examples(document, path, method, given));
}

function openTarget() {
  const target = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.tagName === "DETAILS") target.open = true;
  target?.scrollIntoView();
}

async function start() {
  const document_ = await (await fetch("/openapi.json")).json();
  byId("about").replaceChildren(...prose(document_.info.description));
  const main = byId("main");
  byId("base").textContent = location.origin;
  byId("credentials").replaceChildren(...Object.entries(document_.components.securitySchemes)
    .flatMap(([name, scheme]) => [h("dt", {}, {key: "Key", token: "Client token", source: "Event token"}[name] ?? name), h("dd", {}, ...prose(scheme.description))]));
  byId("problem").replaceChildren(JSON.stringify(document_.components.schemas.Problem.examples[0], null, 2));
  for (const {name} of document_.tags) {
    const found = Object.entries(document_.paths).flatMap(([path, methods]) => Object.entries(methods)
      .filter(([, given]) => given.tags.includes(name)).map(([method, given]) => operation(document_, path, method, given)));
    byId("subjects").append(h("li", {}, h("a", {href: `#${slug(name)}`}, name)));
    main.append(h("section", {"aria-labelledby": slug(name)}, h("h2", {id: slug(name)}, name), ...found));
  }
  byId("subjects").append(h("li", {}, h("a", {href: "#schemas"}, "Schemas")));
  main.append(h("section", {"aria-labelledby": "schemas"}, h("h2", {id: "schemas"}, "Schemas"),
    ...Object.entries(document_.components.schemas).map(([name, schema]) => h("details", {class: "operation", id: `schema-${slug(name)}`},
      h("summary", {}, h("code", {}, name)), h("p", {}, ...prose(schema.description)),
      schema.enum ? h("p", {}, typeName(schema)) : null,
      ...(schema.allOf ?? []).map((each) => each.$ref ? h("p", {}, "All of ", typeName(each), ", and") : fields(each)), fields(schema)))));
  addEventListener("hashchange", openTarget);
  openTarget();
}
start().catch((error) => byId("main").append(h("p", {class: "problem", role: "alert"}, `/openapi.json could not be read: ${error.message}`)));
