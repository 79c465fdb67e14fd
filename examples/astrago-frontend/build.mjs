// Builds dist/: bundles with their hash in the name, so that browsers may keep them for ever,
// and an index.html that names them.
import { build } from "esbuild";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";

await rm("dist", { recursive: true, force: true });

const result = await build({
  entryPoints: ["src/main.ts", "src/style.css"],
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  sourcemap: "linked",
  target: "es2022",
  metafile: true,
});

let page = await readFile("src/index.html", "utf8");
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) {
    page = page.replace(`./${basename(output.entryPoint)}`, `./assets/${basename(file)}`);
    console.log(`${file} ${output.bytes} bytes`);
  }
}
await writeFile("dist/index.html", page);
