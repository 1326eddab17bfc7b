/** The bars of the throughput. */

const NAMESPACE = "http://www.w3.org/2000/svg";
const BAR = 10;
const HEIGHT = 100;

/** @param {SVGElement} svg @param {number[]} values oldest first */
export function drawBars(svg, values) {
  const most = Math.max(1, ...values);
  svg.setAttribute("viewBox", `0 0 ${values.length * BAR} ${HEIGHT}`);
  const bars = values.map((value, index) => {
    const height = value ? Math.max(3, (HEIGHT * value) / most) : 1;
    const bar = document.createElementNS(NAMESPACE, "rect");
    const place = { x: index * BAR + 1, y: HEIGHT - height, width: BAR - 2, height };
    for (const [name, length] of Object.entries(place)) bar.setAttribute(name, length);
    bar.classList.add(value ? "some" : "none");
    return bar;
  });
  svg.replaceChildren(...bars);
}
