// Colours and markers: of families (render/palette.py), of origins, of the theme.
const SVG = 'http://www.w3.org/2000/svg';
const SHAPES = {
  circle: 'M1,0 A1,1 0 1 1 0.999,0 Z', rect: 'M0.1,0.1 h1.8 v1.8 h-1.8 Z',
  triangle: 'M1,0 L2,1.8 L0,1.8 Z', diamond: 'M1,0 L2,1 L1,2 L0,1 Z',
};
// How the line through a front is drawn, so that origins differ without colour too.
const DASHES = {measured: 'solid', published: [7, 4], emulated: [1.5, 4], predicted: [9, 3, 2, 3]};

function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

let printing = false;
function isDark() {
  if (printing) return false;
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

// WCAG 2.2's relative luminance of "#rrggbb".
function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function mixed(colour, other, share) {
  const [from, to] = [colour, other].map(one => [1, 3, 5].map(at => parseInt(one.slice(at, at + 2), 16)));
  return '#' + from.map((value, at) => Math.round(value + (to[at] - value) * share).toString(16).padStart(2, '0')).join('');
}
// As much towards black or white as it takes to stand out from the ground: 3 to 1, as WCAG asks
// of what is drawn; small dark marks on a dark screen want more.
function legible(colour) {
  const dark = isDark();
  const ground = luminance(dark ? '#1a1e22' : '#ffffff');
  for (let share = 0; share < 1; share += 0.06) {
    const one = mixed(colour, dark ? '#ffffff' : '#000000', share), light = luminance(one);
    if ((Math.max(light, ground) + 0.05) / (Math.min(light, ground) + 0.05) >= (dark ? 4.5 : 3)) return one;
  }
  return dark ? '#ffffff' : '#000000';
}
// The palette is made to be told apart, not for any ground: its pale colours need an edge on paper, its dark ones light on a dark screen.
function familyColour(family) {
  const colour = (DATA.looks[family] || ['#6b6b6b'])[0];
  return isDark() ? legible(colour) : colour;
}
function familyEdge(family) { return legible((DATA.looks[family] || ['#6b6b6b'])[0]); }
function familySymbol(family) { return (DATA.looks[family] || [0, 'circle'])[1]; }
function familyScale(family) { return (DATA.looks[family] || [0, 0, 1])[2]; }

// What a marker is filled with: measured whole, a float network's accuracy half, published not at all.
function markStyle(point, ground) {
  const colour = familyColour(point.family), edge = familyEdge(point.family);
  const style = {color: colour, borderColor: edge, borderWidth: 1.5, opacity: 1};
  if (point.origin === 'published') style.color = ground;
  else if (point.origin === 'predicted') { style.color = ground; style.borderType = 'dashed'; }
  else if (point.flags & FLAG.float) {
    style.color = {type: 'linear', x: 0, y: 0, x2: 1, y2: 0, colorStops: [
      {offset: 0, color: colour}, {offset: 0.5, color: colour}, {offset: 0.5, color: ground}, {offset: 1, color: ground}]};
  } else if (point.origin === 'emulated') { style.color = ground; style.borderType = 'dotted'; style.borderWidth = 2.5; }
  // Beaten: pale, but with an edge that is seen; smaller too (fronts.js).
  if (point.status === DOMINATED) {
    if (style.color === colour) style.color = mixed(colour, ground, 0.7);
    style.borderWidth = 1.1;
    style.opacity = 0.8;
  }
  // A member that is not sure to be one is paler, as in the figures of `pareto`.
  else if (point.share !== null) style.opacity = 0.55 + 0.45 * point.share;
  return style;
}

function familyMark(family) {
  const symbol = familySymbol(family);
  const path = symbol.startsWith('path://') ? symbol.slice(7) : SHAPES[symbol];
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '-0.2 -0.2 2.4 2.4');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', path);
  shape.setAttribute('fill', familyColour(family));
  shape.setAttribute('stroke', familyEdge(family));
  shape.setAttribute('stroke-width', '0.2');
  svg.append(shape);
  return svg;
}

function lineMark(dash) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 36 10');
  svg.setAttribute('class', 'wide');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', 'M1,5 H35');
  line.setAttribute('stroke', 'currentColor');
  line.setAttribute('stroke-width', '2');
  if (dash !== 'solid') line.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(line);
  return svg;
}
