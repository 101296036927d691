// The calls with which widespread upload clients ask their server for an upload, answered by photogate's API.
//
// | client                                  | calls                                      |
// | Uppy `@uppy/aws-s3` (Companion's calls) | GET /s3/params, /s3/multipart…             |
// | ActiveStorage's JavaScript              | POST /rails/active_storage/direct_uploads  |
// | Laravel Vapor's JavaScript              | POST /vapor/signed-storage-url             |
// | better-upload                           | POST /api/upload                           |
//
// None of them sends credentials of photogate's: the app server asks with its key, for whoever its own session permits.

/** A refusal in the words of photogate. Uppy 6 shows the reason phrase alone, Uppy 5 the member `message`. */
function refuse(answer, response, { status, body }) {
  const message = body.detail ?? body.title ?? "the upload was refused";
  answer(response, status, { error: { type: body.code ?? "rejected", message }, message }, message.replace(/[^\x20-\x7e]/g, "?").slice(0, 200));
}

/** A PUT's URL and headers; of a form, `fields`. */
function signed(body) {
  return { method: body.upload.method, url: body.upload.url, headers: body.upload.headers, fields: body.upload.fields };
}

export function signingRoutes({ photogate, createUpload, jsonOf, answer }) {
  const refused = (response, result) => refuse(answer, response, result);

  return [
    // ---- Uppy: `companionEndpoint` of 6.x, `endpoint` of 4.x and 5.x. A form, which may be sent again after a broken connection.
    // The file's size is no part of the protocol: `uppy.setFileMeta(id, { size })` adds it, and parts need it.
    ["GET", /^\/s3\/params$/, async (request, response, _, query) => {
      const size = Number(query.get("metadata[size]")) || undefined;
      const result = await createUpload({ method: "post", filename: query.get("filename"), content_type: query.get("type") || undefined, size });
      if (result.status !== 201) return refused(response, result);
      answer(response, 200, { ...signed(result.body), expires: 900 });
    }],
    ["POST", /^\/s3\/multipart$/, async (request, response) => {
      const { filename, type, metadata } = await jsonOf(request);
      const result = await createUpload({ method: "multipart", filename, content_type: type || undefined, size: Number(metadata?.size) || undefined });
      if (result.status !== 201) return refused(response, result);
      answer(response, 200, { key: result.body.id, uploadId: result.body.id });
    }],
    ["GET", /^\/s3\/multipart\/(upl_\w+)$/, async (request, response, [id]) => {
      const result = await photogate("GET", `/v1/uploads/${id}/parts`);
      if (result.status !== 200) return refused(response, result);
      answer(response, 200, result.body.data.map(({ number, etag, size }) => ({ PartNumber: number, ETag: etag, Size: size })));
    }],
    ["GET", /^\/s3\/multipart\/(upl_\w+)\/(\d+)$/, async (request, response, [id, number]) => {
      const result = await photogate("POST", `/v1/uploads/${id}/parts/sign`, { numbers: [Number(number)] });
      if (result.status !== 200) return refused(response, result);
      answer(response, 200, { url: result.body.data[0].url, expires: 900 });
    }],
    ["POST", /^\/s3\/multipart\/(upl_\w+)\/complete$/, async (request, response, [id]) => {
      const { parts } = await jsonOf(request);
      const result = await photogate("POST", `/v1/uploads/${id}/complete`, { parts: parts.map(({ PartNumber, ETag }) => ({ number: Number(PartNumber), etag: ETag })) });
      if (result.status !== 200) return refused(response, result);
      answer(response, 200, { location: result.body.links.image, key: id });
    }],
    ["DELETE", /^\/s3\/multipart\/(upl_\w+)$/, async (request, response, [id]) => {
      const result = await photogate("DELETE", `/v1/uploads/${id}`);
      if (result.status >= 300) return refused(response, result);
      answer(response, 200, {});
    }],

    // ---- ActiveStorage's DirectUpload. `signed_id` is what the form submits: the upload's id, which the app looks up.
    ["POST", /^\/rails\/active_storage\/direct_uploads$/, async (request, response) => {
      const { blob } = await jsonOf(request);
      const result = await createUpload({ filename: blob.filename, content_type: blob.content_type, size: blob.byte_size });
      if (result.status !== 201) return refused(response, result);
      const { url, headers } = signed(result.body);
      answer(response, 200, { ...blob, key: result.body.id, signed_id: result.body.id, direct_upload: { url, headers } });
    }],

    // ---- Vapor.store(). It does not send the size; `data: { content_length: file.size }` adds it.
    ["POST", /^\/vapor\/signed-storage-url$/, async (request, response) => {
      const { content_type: type, content_length: size } = await jsonOf(request);
      const result = await createUpload({ filename: "upload", content_type: type || undefined, size });
      if (result.status !== 201) return refused(response, result);
      const { url, headers } = signed(result.body);
      answer(response, 201, { uuid: result.body.id, bucket: "", key: result.body.id, url, headers });
    }],

    // ---- better-upload's uploadFiles(): many files in one call.
    ["POST", /^\/api\/upload$/, async (request, response) => {
      const { files, metadata = {} } = await jsonOf(request);
      const results = await Promise.all(files.map(({ name, size, type }) => createUpload({ filename: name, content_type: type || undefined, size })));
      const bad = results.find(({ status }) => status !== 201);
      if (bad) return refused(response, bad);
      answer(response, 200, {
        files: results.map(({ body }, i) => {
          // The client sends the file's Content-Type itself; a second one would be another than was signed.
          const { "Content-Type": _, ...headers } = signed(body).headers;
          return { signedUrl: signed(body).url, file: { ...files[i], objectInfo: { key: body.id, metadata: {} } }, headers };
        }),
        metadata,
      });
    }],
  ];
}
