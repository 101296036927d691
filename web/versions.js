// The versions of a published picture: which there are, what they weigh, and the markup that offers them to a browser.
import {signed} from "/assets/api.js";
import {formatSize, h} from "/assets/dom.js";

const names = {avif: "AVIF", webp: "WebP", jpeg: "JPEG", png: "PNG", gif: "GIF"};
// Smallest first, as a browser takes the first that it knows.
const modern = ["avif", "webp"];

/** A picture that may move keeps its own format: a still of it is another picture. */
export function formatsOf(image, offered) {
  const still = image.format === "jpeg" || image.format === "png";
  return [...modern.filter((format) => still && offered.includes(format) && format !== image.format), image.format];
}

/** [{step, width}]: the steps below the picture's width, and the first that holds all of it. None is enlarged. */
export function stepsOf(image, sizes) {
  const steps = sizes.filter((size) => size < image.width).map((step) => ({step, width: step}));
  const whole = sizes.find((size) => size >= image.width);
  return whole === undefined ? steps : [...steps, {step: whole, width: image.width}];
}

/** `image.signature`: as signatureOf() gives it. */
export const addressOf = (image, step, format) => new URL(signed(`${image.url}/w${step}.${format}`, image.signature), location.href).href;

const quoted = (text) => String(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** `<picture>` for a page: every format with every width, and the size, so that the page does not jump. */
export function markupOf(image, steps, formats) {
  const list = (format) => steps.map(({step, width}) => `${addressOf(image, step, format)} ${width}w`).join(",\n      ");
  const sources = formats.slice(0, -1).map((format) => `  <source type="image/${format}" sizes="100vw"\n    srcset="${quoted(list(format))}">\n`);
  const own = formats.at(-1);
  return `<picture>\n${sources.join("")}  <img src="${quoted(addressOf(image, steps.at(-1).step, own))}" sizes="100vw"\n    srcset="${quoted(list(own))}"\n` +
    `    width="${Number(image.width)}" height="${Number(image.height)}" alt="" loading="lazy">\n</picture>`;
}

/** Bytes of a picture, once it has been loaded: the gateway lets every page measure (Timing-Allow-Origin). */
async function weigh(address) {
  performance.clearResourceTimings();  // the browser keeps a number of them, and no more
  const image = new Image();
  image.src = address;
  try { await image.decode(); } catch { return null; }
  for (let look = 0; look < 20; look += 1) {
    const size = performance.getEntriesByName(address).find((entry) => entry.encodedBodySize > 0)?.encodedBodySize;
    if (size) return size;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}

async function copy(text, area, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {  // forbidden, or no secure page: then by hand
    area.focus();
    area.select();
  }
}

/** What a published picture offers: a table of widths and formats, filled when somebody asks, and the markup. */
export function versionsOf({image, name, size}, profile) {
  const steps = stepsOf(image, profile?.version_sizes ?? []);
  if (!steps.length) return null;
  const formats = formatsOf(image, profile.version_formats ?? []);
  const cells = steps.flatMap(({step, width}) => formats.map((format) => ({address: addressOf(image, step, format), width, format})));
  for (const cell of cells) {
    cell.element = h("td", {}, h("a", {href: cell.address, target: "_blank", rel: "noopener"}, `${cell.width} px`));
  }
  const rows = steps.map(({width}) => h("tr", {}, h("th", {scope: "row"}, `${width} px`), ...cells.filter((cell) => cell.width === width).map((cell) => cell.element)));
  const status = h("p", {role: "status"});
  const button = h("button", {type: "button", class: "quiet small", "aria-label": `Make and weigh the versions of ${name}`}, "Make and weigh them");
  button.addEventListener("click", async () => {
    button.disabled = true;
    let made = 0;
    for (const cell of cells) {  // one at a time: they are made as they are asked for
      const bytes = await weigh(cell.address);
      const saved = bytes === null ? 0 : Math.round(100 * (1 - bytes / size));
      cell.element.append(bytes === null ? " not now" : ` ${formatSize(bytes)}${saved > 0 ? `, ${saved} % saved` : ""}`);
      if (bytes !== null) made += 1;
      status.textContent = `${made} of ${cells.length} made`;
    }
  });
  const markup = markupOf(image, steps, formats);
  const area = h("textarea", {readonly: true, rows: "8", spellcheck: "false", "aria-label": `Markup for ${name}`});
  area.value = markup;
  const copyButton = h("button", {type: "button", class: "quiet small", "aria-label": `Copy the markup for ${name}`}, "Copy");
  copyButton.addEventListener("click", () => copy(markup, area, copyButton));
  return h("details", {class: "versions"},
    h("summary", {}, "Sizes and formats"),
    h("div", {class: "scroll"}, h("table", {}, h("caption", {class: "visually-hidden"}, `Versions of ${name}`),
      h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "Width"), ...formats.map((format) => h("th", {scope: "col"}, names[format] ?? format)))),
      h("tbody", {}, ...rows))),
    h("div", {class: "row"}, button, status),
    h("p", {}, image.signature ? "For a page, until the links expire:" : "For a page:"), area, h("div", {class: "row"}, copyButton));
}
