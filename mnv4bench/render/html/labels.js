// The names of a front's members, each beside its mark where it covers no mark, name or line.
// A name that has no room is left to the tooltip and the table.
const NAMES_AT_MOST = 60;
const HALO = 3;  // pixels of ground around letters, half of them on either side
const pen = document.createElement('canvas').getContext('2d');
const FONT = getComputedStyle(document.body).fontFamily;

function widthOf(words, size) {
  pen.font = size + 'px ' + FONT;
  return pen.measureText(words).width;
}
function meet(a, b) { return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom; }

// Boxes of the staircase through points in pixels; a point is [x, y].
function stairs(points) {
  const boxes = [];
  for (let at = 1; at < points.length; at++) {
    const [x0, y0] = points[at - 1], [x1, y1] = points[at];
    boxes.push({left: x0, right: x1, top: y0 - 1, bottom: y0 + 1}, {left: x1 - 1, right: x1 + 1, top: Math.min(y0, y1), bottom: Math.max(y0, y1)});
  }
  return boxes;
}
// Where each of names [{x, y, words, more}] stands, in its order; null where there is no room.
function placed(names, taken, frame, size, usual) {
  const boxes = taken.slice();
  return names.map(({x, y, words, more}) => {
    const width = widthOf(words, size) + HALO, height = size + 2, reach = usual + more;
    const box = (left, top) => ({left, top, right: left + width, bottom: top + height});
    // Above and left of a front there is nothing, so that is where a name looks first.
    const [above, below, ahead] = [y - reach - 2 - height, y + reach + 2, x + reach + 3];
    const tries = [box(x + reach - width, above), box(ahead, y + 3), box(x - reach - 4 - width, y - height / 2), box(x - reach, below),
      box(x - reach, above), box(ahead, y + 9), box(x - width / 2, below), box(x + reach - width, below), box(ahead, y + 16)];
    const fits = one => one.left >= frame.left && one.right <= frame.right && one.top >= frame.top && one.bottom <= frame.bottom && !boxes.some(other => meet(one, other));
    const found = tries.find(fits) || null;
    if (found) boxes.push(found);
    return found;
  });
}
// members: to be named; marks: all that is drawn; fronts: [[member, ...]] that a line joins.
// more(member): how much further than reach its own mark reaches.
function nameSeries(members, marks, fronts, size, reach, more) {
  const named = members.slice(0, NAMES_AT_MOST);
  return {type: 'custom', name: 'names', silent: true, z: 6, clip: false, encode: {x: 0, y: 1}, data: named.map(point => [power(point.x), point.top1]),
    renderItem: (params, api) => {
      // Asked anew for every zoom, once for each name: the first question places all of them.
      if (!params.context.boxes) {
        const area = params.coordSys;
        const inside = ([x, y]) => x >= area.x - 1 && x <= area.x + area.width + 1 && y >= area.y - 1 && y <= area.y + area.height + 1;
        const at = point => api.coord([power(point.x), point.top1]);
        const taken = marks.map(at).map(([x, y]) => ({left: x - reach + 1, right: x + reach - 1, top: y - reach + 1, bottom: y + reach - 1}));
        fronts.forEach(line => taken.push(...stairs(line.map(at))));
        const frame = {left: area.x + 2, right: area.x + area.width + 20, top: 1, bottom: area.y + area.height - 1};
        const seen = named.map(at).map(inside);
        const boxes = placed(named.filter((_, number) => seen[number]).map(point => { const [x, y] = at(point); return {x, y, words: short(point.model), more: more(point)}; }), taken, frame, size, reach);
        params.context.boxes = seen.map(one => one ? boxes.shift() : null);
      }
      const box = params.context.boxes[params.dataIndex];
      if (!box) return {type: 'group', children: []};
      return {type: 'text', style: {text: short(named[params.dataIndex].model), x: box.left + HALO / 2, y: box.top + (box.bottom - box.top) / 2, align: 'left', verticalAlign: 'middle',
        fill: css('--ink'), stroke: css('--surface'), lineWidth: HALO, font: size + 'px ' + FONT}};
    }};
}
