import { AbortedError, NetworkError } from "./errors.js";
import type { Transport } from "./http.js";

/** With XMLHttpRequest: a browser's `fetch` tells no progress of what it sends. */
export const xhrTransport: Transport = ({ method, url, headers, body, timeout, signal, onProgress }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AbortedError("the upload was aborted"));
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const aborted = () => request.abort();
    const settle = (action: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      action();
    };
    const fail = (why: string) => settle(() => reject(new NetworkError(`${method} at ${new URL(url).host}: ${why}`)));
    let timedOut = false;
    const patience = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timedOut = true;
        request.abort();
      }, timeout);
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => {
      patience();
      onProgress?.(loaded);
    };
    request.upload.onload = patience;
    request.onload = () => settle(() => resolve({ status: request.status, header: (name) => request.getResponseHeader(name), text: request.responseText }));
    request.onerror = () => fail("no answer");
    request.onabort = () => (timedOut ? fail("timed out") : settle(() => reject(new AbortedError("the upload was aborted"))));
    signal?.addEventListener("abort", aborted, { once: true });
    patience();
    request.send(body);
  });
