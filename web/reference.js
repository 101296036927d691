// What the API reference says of an operation, as text: an example of the request, the curl command, the answer.
//
// No page is needed: `/docs` shows it in the browser, and scripts/render-api writes docs/api.md with it.

export function resolve(document, value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((node, name) => node[name.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

/** The first example of a schema; undefined if it has none. */
export function exampleOf(document, schema) {
  return resolve(document, schema)?.examples?.[0];
}

export function exampleBody(document, operation) {
  return exampleOf(document, operation.requestBody?.content?.["application/json"]?.schema);
}

/** `{status, body}` of the first answer; `body` is undefined for what is no JSON. */
export function exampleAnswer(document, operation) {
  const [status, given] = Object.entries(operation.responses)[0];
  const schema = resolve(document, given).content?.["application/json"]?.schema;
  return {status, body: exampleOf(document, schema)};
}

const credentialNames = {key: "$KEY", token: "$TOKEN", source: "$EVENT_TOKEN"};
const placeholders = {id: {callbacks: "msg_06f3y8m2c4t6v8x0z2b4d6f8h1", i: "06f3y8m2c4t6v8x0z2b4d6f8h0"}, source: "minio", name: "photo.jpg"};

function placeholder(document, path, parameter) {
  const value = exampleOf(document, parameter.schema) ?? placeholders[parameter.name] ?? parameter.name.toUpperCase();
  return typeof value === "string" ? value : value[path.split("/").find((part) => value[part])];
}

/** The path with an example of each of its parameters. */
export function examplePath(document, path, operation) {
  return (operation.parameters ?? []).map((each) => resolve(document, each)).filter((each) => each.in === "path")
    .reduce((text, each) => text.replace(`{${each.name}}`, placeholder(document, path, each)), path);
}

/** A command to copy into a shell, where KEY, TOKEN or EVENT_TOKEN holds the credential. */
export function curlOf(document, path, method, operation, base) {
  const lines = [`curl -s ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${base}${examplePath(document, path, operation)}"`];
  const credential = Object.keys(operation.security?.[0] ?? {})[0];
  if (credential) lines.push(`-H "Authorization: Bearer ${credentialNames[credential]}"`);
  const body = exampleBody(document, operation);
  if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}

const credentialTexts = {key: "an app's or operator's key", token: "a client token", source: "the event source's token"};

export function credentialsText(operation) {
  const wanted = (operation.security ?? []).flatMap((each) => Object.keys(each));
  return wanted.length ? `With ${wanted.map((each) => credentialTexts[each] ?? each).join(", or ")}.` : "Without a credential in a header.";
}
