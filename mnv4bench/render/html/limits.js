// The best model within limits, where some were asked for: panel by panel, ringed and shaded.
let picksTable = null;

function buildPicks() {
  if (!DATA.limits) return;
  picksTable = sortingTable('The best model within the limits, by panel', [
    {title: 'Device', value: one => one.of.device, cell: one => [clipped(one.of.device), make('small', {class: 'where'}, one.of.precision + ', ' + one.of.origin)]},
    ...(matchMedia('(max-width: 700px)').matches ? [] : [
      {title: 'Precision', value: one => one.of.precision, cell: one => one.of.precision},
      {title: 'Origin', value: one => one.of.origin, cell: one => originBadge(one.of.origin)}]),
    {title: 'Best model', value: one => text(one.pick.model), cell: one => one.pick.model ? modelLink(text(one.pick.model)) : 'none'},
    {title: 'Best in', right: true, value: one => one.pick.share, cell: one => one.pick.best || (one.pick.model ? 'unknown' : '')},
    {title: 'Next', value: one => one.pick.next, cell: one => one.pick.next},
    {title: 'No model in', right: true, value: one => one.pick.none, cell: one => one.pick.none},
  ], {none: 'No panel over latency with these filters.'});
  byId('picks').hidden = false;
  byId('picks').append(make('h3', {}, 'Best with ' + text(DATA.limits.text)),
    make('p', {class: 'small muted'}, 'Shares are of resamples of the invocations; where there are none, certainty is unknown.'), picksTable.element);
}
function drawPicks() {
  if (!picksTable) return;
  const seen = pick => !pick.model || passes({model: text(pick.model), family: familyOf(pick)});
  picksTable.show(PICKS.map(pick => ({pick, of: GROUPS[pick.group]})).filter(one => groupPasses(one.of) && seen(one.pick)));
}
function familyOf(pick) {
  const found = GROUPS[pick.group].points.find(point => point.model === text(pick.model));
  return found ? found.family : undefined;
}
// What the limits rule out, and a ring around what is best within them.
function limitSeries(points, best, size) {
  const axis = powers(points), top1 = percents(points), {ms, top1: least} = DATA.limits;
  const longest = ms === null ? null : power(ms);
  const areas = [], edges = [];
  if (longest !== null && longest < axis.max) {
    areas.push([{xAxis: Math.max(longest, axis.min)}, {xAxis: axis.max}]);
    if (longest > axis.min) edges.push({xAxis: longest});
  }
  if (least !== null && least > top1.min) {
    areas.push([{yAxis: top1.min}, {yAxis: Math.min(least, top1.max)}]);
    if (least < top1.max) edges.push({yAxis: least});
  }
  return [
    {type: 'scatter', name: 'limits', silent: true, z: 0, data: [], markArea: {silent: true, itemStyle: {color: css('--ruled-out')}, data: areas},
      markLine: {silent: true, symbol: 'none', label: {show: false}, lineStyle: {color: css('--frame'), type: [2, 3], width: 1.2}, data: edges}},
    {type: 'scatter', name: 'best', silent: true, z: 5, symbol: 'circle', symbolSize: size * 2.1, itemStyle: {color: 'transparent', borderColor: css('--ink'), borderWidth: 1.8},
      data: best.map(point => [power(point.x), point.top1])},
  ];
}
