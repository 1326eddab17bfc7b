// Watermarks one picture as often as it is told, with a logo that is scaled already, and prints the
// CPU time of one time. Called by benchmarks/splice_sharp.py.
import { readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";

const [picture, mark, target, job] = process.argv.slice(2);
const { left, top, format, options, times } = JSON.parse(job);
sharp.concurrency(1);
sharp.cache(false); // every picture is a new one to it

const data = readFileSync(picture);
const logo = await sharp(mark).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
const { width, height, channels } = logo.info;
const layers = [{ input: logo.data, raw: { width, height, channels }, left, top }];
const watermark = () =>
  sharp(data).composite(layers).keepExif().toFormat(format, options).toBuffer();

writeFileSync(target, await watermark()); // what is loaded late is loaded now
const before = process.cpuUsage();
for (let time = 0; time < times; time++) await watermark();
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ milliseconds: (user + system) / 1000 / times }));
