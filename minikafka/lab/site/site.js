// Bring a page of the course to life: its widgets and its plots. mount.js and DARK stand in front.

const told = node => JSON.parse(node.nextElementSibling.textContent);

async function bringToLife() {
  const mounted = [...document.querySelectorAll(".widget")].map(async node => {
    return mount(globalThis.modules[node.dataset.module], told(node), node);
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => document.querySelectorAll(".plot").forEach(node => drawPlot(node, dark.matches));
  dark.addEventListener("change", draw);
  draw();
  globalThis.minikafka = { widgets: await Promise.all(mounted) };
}

// A figure has the light theme's colours; in the dark each becomes its other half.
function drawPlot(node, isDark) {
  const text = node.nextElementSibling.textContent;
  const figure = JSON.parse(!isDark ? text
    : text.replace(/#[0-9A-Fa-f]{6}/g, colour => DARK[colour.toUpperCase()] ?? colour));
  Plotly.react(node, figure.data, figure.layout, { responsive: true, displaylogo: false });
}

bringToLife();
