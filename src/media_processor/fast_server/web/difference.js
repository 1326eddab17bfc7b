/** Draws what changed: the result where it differs from the original, over a dimmed ground. */

/** More pixels than a screen shows would only cost time. */
const LONGEST = 1600;

/** @param {HTMLCanvasElement} canvas @param {HTMLImageElement} image */
export function draw(canvas, image, { width, height, block, runs }) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const style = getComputedStyle(canvas);
  const context = canvas.getContext("2d");
  context.fillStyle = style.getPropertyValue("--mat");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.22;
  context.filter = "grayscale(1)";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
  context.filter = "none";
  const side = block * scale;
  const path = (grow) => {
    const found = new Path2D();
    for (const [row, column, many] of runs) {
      found.rect(column * side - grow, row * side - grow, many * side + 2 * grow, side + 2 * grow);
    }
    return found;
  };
  // The outline is a larger shape under the picture, so that runs above each other have one.
  context.fillStyle = style.getPropertyValue("--accent");
  context.fill(path(Math.max(1.5, canvas.width / 500)));
  context.save();
  context.clip(path(0));
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  context.restore();
}
