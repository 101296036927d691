// Sends a file with tus-js-client, unmodified, and says what happened: node tus.mjs FILE OPTIONS, where OPTIONS is JSON.
// Prints {"ok": true, "url": …, "requests": n} or {"ok": false, "error": …}.
import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.cwd() + '/')
const tus = require('tus-js-client')

const [file, options] = [fs.readFileSync(process.argv[2]), JSON.parse(process.argv[3])]
let requests = 0
const upload = new tus.Upload(file, {
  uploadSize: file.length,
  retryDelays: [50, 100, 200, 400, 800],
  ...options,
  onBeforeRequest() {
    requests += 1
  },
  onError(error) {
    console.log(JSON.stringify({ ok: false, error: String(error) }))
  },
  onSuccess() {
    console.log(JSON.stringify({ ok: true, url: upload.url, requests }))
  },
})
upload.start()
