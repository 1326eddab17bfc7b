const NAMESPACE = "http://www.w3.org/2000/svg";
const BAR = 10;
const HEIGHT = 100;

function shape(name, attributes) {
  const node = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** Bars, oldest left. @param {SVGElement} svg @param {number[]} values */
export function drawBars(svg, values) {
  const most = Math.max(1, ...values);
  svg.setAttribute("viewBox", `0 0 ${values.length * BAR} ${HEIGHT}`);
  const bars = values.map((value, index) => {
    const height = value ? Math.max(3, (HEIGHT * value) / most) : 1;
    const place = { x: index * BAR + 1, y: HEIGHT - height, width: BAR - 2, height };
    return shape("rect", { ...place, class: value ? "some" : "none" });
  });
  svg.replaceChildren(...bars);
}
