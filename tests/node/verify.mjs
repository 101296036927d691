// Verifies callbacks with the library that an app server on Node would take. Standard input: a JSON array of
// {secret, headers, body}; standard output: one of true or the library's complaint for each.
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {join} from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const {Webhook} = require("standardwebhooks");

const verdicts = JSON.parse(readFileSync(0, "utf8")).map(({secret, headers, body}) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    return String(error.message);
  }
});
process.stdout.write(JSON.stringify(verdicts));
