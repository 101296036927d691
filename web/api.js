// A client of the public REST interface.

export class ApiError extends Error {
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail || problem.title || `the gateway answered ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.fields = problem.errors ?? [];
    this.retryAfter = retryAfter; // seconds; 0: not said
  }
}

export class Api {
  /** `credential` is a client token (pgt_…) or a key (pg_…). */
  constructor(credential) {
    this.credential = credential;
  }

  async request(method, path, {body, signal, headers: given} = {}) {
    const headers = {...given, Authorization: `Bearer ${this.credential}`, Accept: "application/json"};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(path, {
      method, headers, signal, cache: "no-store", credentials: "omit",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    let value = {};
    try { value = text ? JSON.parse(text) : {}; } catch { value = {detail: "the answer is no JSON"}; }
    if (!answer.ok) throw new ApiError(answer.status, value, Number(answer.headers.get("Retry-After")) || 0);
    return value;
  }

  get(path, options) { return this.request("GET", path, options); }
  post(path, body, options) { return this.request("POST", path, {...options, body}); }
  remove(path) { return this.request("DELETE", path); }
}

/** What goes behind any URL of the upload's image: nothing, or the signature that a private one needs. */
export async function signatureOf(api, upload, options) {
  if (!upload.private || !upload.image) return "";
  const {url} = await api.post(`/v1/uploads/${upload.id}/url`, {scope: "image"}, options);
  return new URL(url, location.href).search.slice(1);
}

/** The URL with the signature, where there is one. */
export const signed = (url, signature) => signature ? `${url}${url.includes("?") ? "&" : "?"}${signature}` : url;

export const finalStates = new Set(["published", "rejected", "failed", "expired", "cancelled", "deleted"]);

/** The claims of a client token; null if it is malformed. Only the gateway can verify it. */
export function readToken(token) {
  try {
    const claims = token.match(/^pgt_([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/)[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(claims), (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}
