// Sets values in YAML files through npm's `yaml`. Reads a JSON list of
// {file, paths, value} from standard input, writes each file in place and prints, as a JSON list,
// milliseconds or an error for each. The folder with node_modules is the only argument.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const YAML = createRequire(process.argv[2] + "/")("yaml");
const results = JSON.parse(readFileSync(0, "utf8")).map(({ file, paths, value }) => {
  try {
    const begun = performance.now();
    const document = YAML.parseDocument(readFileSync(file, "utf8"));
    for (const path of paths) document.setIn(path, value);
    writeFileSync(file, document.toString());
    return { milliseconds: performance.now() - begun };
  } catch (error) {
    return { error: String(error).slice(0, 200) };
  }
});
console.log(JSON.stringify(results));
