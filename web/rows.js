// Tables of things that have an id: rows updated in place, cells that become cards on a narrow screen, and thumbnails.
import {signatureOf, signed} from "/assets/api.js";
import {h} from "/assets/dom.js";

/** Each cell knows its column's name. */
export function cell(label, attributes, ...children) {
  return h("td", {"data-label": label, ...attributes}, ...children);
}

/** Rows are updated in place, so that focus and reading position stay. */
export function fillRows(body, items, cells) {
  const known = new Map([...body.children].map((row) => [row.dataset.id, row]));
  items.forEach((item, index) => {
    const text = JSON.stringify(item);
    let row = known.get(item.id);
    if (!row) row = h("tr", {"data-id": item.id});
    known.delete(item.id);
    if (row.dataset.text !== text) {
      const focused = row.contains(document.activeElement);
      row.dataset.text = text;
      row.replaceChildren(...cells(item));
      if (focused) row.querySelector("a, button, input")?.focus();
    }
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  });
  for (const row of known.values()) row.remove();
  if (!items.length) body.replaceChildren(h("tr", {}, h("td", {colspan: "8", class: "none"}, "None.")));
}

function smallest(upload) {
  const {image, variants = []} = upload;
  return [image, ...variants].filter((each) => each.url && each.size).sort((a, b) => a.size - b.size)[0] ?? image;
}

/** A published picture from this listener, whatever host its public address has. */
export function thumbnail(api, upload) {
  if (!upload.image) return h("span", {class: "thumbnail", "aria-hidden": "true"});
  const {pathname, search} = new URL(smallest(upload).url, location.href);
  const path = pathname.slice(pathname.lastIndexOf("/i/")) + search;
  const image = h("img", {class: "thumbnail", alt: "", loading: "lazy"});
  if (upload.private) signatureOf(api, upload).then((signature) => { image.src = signed(path, signature); }, () => {});
  else image.src = path;
  return image;
}
