// The table of everything that has a figure, and the list of what was left out.
function markedNote(point) {
  const notes = [];
  if (point.flags & FLAG.random) notes.push('random weights');
  if (point.flags & FLAG.float) notes.push('float accuracy');
  if (point.flags & FLAG.synthetic) notes.push('synthetic calibration');
  if (point.reason) notes.push(point.reason);
  return notes.join('; ');
}
const COLUMNS = [
  {title: 'Model', value: point => point.model, cell: point => [modelLink(point.model), make('small', {class: 'muted block'}, clipped(point.family)),
    make('small', {class: 'where'}, point.device + ', ' + point.precision)]},
  {title: 'Device', value: point => point.device, cell: point => point.device},
  {title: 'Precision', value: point => point.precision, cell: point => point.precision},
  {title: 'Origin', value: point => point.origin, cell: point => originBadge(point.origin)},
  {title: [...new Set(GROUPS.map(group => group.column))].join(' or ') || 'Latency', right: true, value: point => point.x, cell: point => point.cost},
  {title: 'Interval', right: true, value: point => point.high === null || point.x === null ? null : Math.max(point.high - point.x, point.x - point.low) / point.x, cell: point => point.spread},
  {title: 'p90', right: true, value: point => point.p90, cell: point => point.p90Text},
  {title: 'Top-1', right: true, value: point => point.top1, cell: point => point.accuracy},
  {title: 'Place', value: point => point.status, cell: point => make('span', {class: 'place s' + point.status}, STATUS[point.status])},
  {title: 'On front', right: true, value: point => point.share, cell: point => point.shareText},
  {title: 'Placement', value: point => point.placement, cell: point => point.placement},
  {title: 'Size', right: true, value: point => point.size, cell: point => point.sizeText},
  {title: 'Notes', value: markedNote, cell: point => make('span', {class: 'notes'}, markedNote(point))},
];
const NARROW = ['Model', COLUMNS[4].title, 'Top-1', 'Place', 'Interval', 'On front', 'p90', 'Device', 'Precision', 'Origin', 'Placement', 'Size', 'Notes'];
let measuredTable, leftTable, skippedTable;

function buildMeasurements() {
  // A phone shows three columns: there the figures come first, and where it ran stands under the name.
  const narrow = matchMedia('(max-width: 700px)');
  const table = () => sortingTable('Measurements and published figures', narrow.matches ? NARROW.map(title => COLUMNS.find(one => one.title === title)) : COLUMNS);
  measuredTable = table();
  byId('measured').append(measuredTable.element);
  narrow.addEventListener('change', () => {
    const before = measuredTable.element;
    measuredTable = table();
    before.replaceWith(measuredTable.element);
    drawMeasurements();
  });
  const whose = matchMedia('(max-width: 700px)').matches ? [COLUMNS[0]] : COLUMNS.slice(0, 4);
  leftTable = sortingTable('Models on no front', [
    ...whose,
    {title: 'Why', value: point => point.reason, cell: point => make('span', {class: 'notes far'}, point.reason)},
  ], {none: 'Nothing was left out.'});
  byId('excluded').append(make('h3', {}, 'Models'), leftTable.element);
  const skipped = DATA.skipped.map(([path, reason]) => ({path: text(path), reason: text(reason)}));
  byId('excluded').append(make('h3', {}, 'Files and older measurements'));
  skippedTable = sortingTable('Files that could not be read, and measurements that a later one replaced', [
    {title: 'File or report', value: one => one.path, cell: one => make('code', {}, one.path)},
    {title: 'Why', value: one => one.reason, cell: one => make('span', {class: 'notes far'}, one.reason)},
  ], {none: 'Every file was read, and nothing was replaced.'});
  skippedTable.show(skipped);
  byId('excluded').append(skippedTable.element);
  if (DATA.beside.length) {
    const beside = sortingTable('Measured beside published', ['Device', 'Model', 'Precision', 'Measured', 'Published', 'Ratio', 'Source'].map((title, at) =>
      ({title, right: at > 2 && at < 6, value: row => text(row[at]), cell: row => at === 1 ? modelLink(text(row[1])) : text(row[at])})));
    beside.show(DATA.beside);
    byId('measured').append(make('h3', {}, 'Measured beside published'), make('p', {class: 'lead'}, 'The ratio is measured over published: 1.04 is 4 % slower than published.'), beside.element);
  }
}
function drawMeasurements() {
  const shown = POINTS.filter(passes);
  measuredTable.show(shown.filter(point => point.x !== null));
  leftTable.show(shown.filter(point => point.status === EXCLUDED));
}
