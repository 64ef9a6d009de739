// Build the page: src/ into dist/ (or into the folder named), the same bytes from the same sources.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist");
const uplot = join(here, "node_modules", "uplot");

// uPlot stays a file of its own, as it was published, so that app.js is this project's alone.
const apart = {
  name: "uplot-apart",
  setup(builder) {
    builder.onResolve({ filter: /^uplot$/ }, () => ({ path: "./uplot.js", external: true }));
  },
};

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  outfile: join(out, "app.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
  plugins: [apart],
});
await copyFile(join(here, "src", "index.html"), join(out, "index.html"));
await copyFile(join(uplot, "dist", "uPlot.esm.js"), join(out, "uplot.js"));
await copyFile(join(uplot, "LICENSE"), join(out, "uplot.LICENSE.txt"));
// What concerns some views alone stands in files of its own, behind the rest.
const styles = ["style.css", "evidence.css"].map((name) => join(here, "src", name));
const [theirs, ...ours] = await Promise.all(
  [join(uplot, "dist", "uPlot.min.css"), ...styles].map((path) => readFile(path, "utf8")),
);
await writeFile(join(out, "style.css"), `/* uPlot (MIT, see uplot.LICENSE.txt) */\n${theirs.trim()}\n\n${ours.join("\n")}`);
