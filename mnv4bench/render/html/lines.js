// The lines of a panel: through the members of a front, and the interval of each point.
function byBasis(members) {
  const bases = new Map();
  members.forEach(point => { if (!bases.has(point.basis)) bases.set(point.basis, []); bases.get(point.basis).push(point); });
  return [...bases.values()];
}
// One staircase for each basis of accuracies: between members nothing better is known. Drawn here, as
// the chart's own leaves out a step of under a pixel and then joins what is left at a slant.
function frontLines(group, members) {
  const dash = DASHES[group.origin] || 'solid';
  return byBasis(members).map(line => ({type: 'custom', name: 'front', silent: true, z: 3, clip: true, data: [[power(line[0].x), line[0].top1]],
    renderItem: (params, api) => {
      const points = line.map(point => api.coord([power(point.x), point.top1]));
      const steps = points.flatMap(([x, y], at) => at ? [[x, points[at - 1][1]], [x, y]] : [[x, y]]);
      return {type: 'polyline', shape: {points: steps}, style: {fill: 'none', stroke: css('--front'), lineWidth: 1.6, lineDash: dash === 'solid' ? null : dash}};
    }}));
}
function errorBars(points) {
  const colour = css('--bar');
  const or = (value, other) => value === null ? other : value;
  return {type: 'custom', name: 'intervals', silent: true, z: 2, clip: true, encode: {x: [0, 1, 2], y: [3, 4, 5]},
    data: points.filter(point => point.low !== null || point.top1Low !== null).map(point =>
      [...[point.x, or(point.low, point.x), or(point.high, point.x)].map(power), point.top1, or(point.top1Low, point.top1), or(point.top1High, point.top1)]),
    renderItem: (params, api) => {
      const at = (x, y) => api.coord([api.value(x), api.value(y)]);
      const [left, right, under, over] = [at(1, 3), at(2, 3), at(0, 4), at(0, 5)];
      const line = (from, to) => ({type: 'line', shape: {x1: from[0], y1: from[1], x2: to[0], y2: to[1]}, style: {stroke: colour, lineWidth: 1.2}});
      return {type: 'group', children: [line(left, right), line(under, over)]};
    }};
}
