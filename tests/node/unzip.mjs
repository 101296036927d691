// Reads a zip archive with a library of Node's and writes a line for each entry: name in hex, size, SHA-256.
//     node unzip.mjs FOLDER_OF_NODE_MODULES unzipper < ARCHIVE
//     node unzip.mjs FOLDER_OF_NODE_MODULES yauzl ARCHIVE
import {createHash} from "node:crypto";
import {createRequire} from "node:module";
import {join} from "node:path";
import {promisify} from "node:util";

const [, , folder, library, archive] = process.argv;
const require = createRequire(join(folder, "package.json"));

async function say(name, stream) {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of stream) {
    hash.update(piece);
    size += piece.length;
  }
  process.stdout.write(`${Buffer.from(name, "utf8").toString("hex")} ${size} ${hash.digest("hex")}\n`);
}

if (library === "unzipper") {
  const unzipper = require("unzipper");
  for await (const entry of process.stdin.pipe(unzipper.Parse({forceStream: true}))) {
    await say(entry.path, entry);
  }
} else {
  const yauzl = require("yauzl");
  const file = await promisify(yauzl.open)(archive, {lazyEntries: true, autoClose: false});
  const openStream = promisify(file.openReadStream.bind(file));
  await new Promise((resolve, reject) => {
    file.on("entry", async (entry) => {
      try {
        await say(entry.fileName, await openStream(entry));
        file.readEntry();
      } catch (error) {
        reject(error);
      }
    });
    file.on("end", resolve);
    file.on("error", reject);
    file.readEntry();
  });
  file.close();
}
