// The invocations of one measurement in the order in which they ran: warm-up, samples, taint, heat.
const CROSS = 'path://M0.3,0 L1,0.7 L1.7,0 L2,0.3 L1.3,1 L2,1.7 L1.7,2 L1,1.3 L0.3,2 L0,1.7 L0.7,1 L0,0.3 Z';
function timeLine(point, detail) {
  // As the lines are drawn: dotted, whole, dashed.
  const icons = {'warm-up': [0, 6, 12, 18].map(x => 'M' + x + ',0 h3 v3 h-3 Z').join(' '), samples: 'M0,0 h22 v3 h-22 Z', temperature: 'M0,0 h9 v3 h-9 Z M13,0 h9 v3 h-9 Z'};
  const rule = name => ({name, icon: 'path://' + icons[name]});
  const steps = stepsOf(detail);
  const fine = steps.some(step => step.timed.length);
  const stops = [];
  const hot = steps.some(step => step.before !== null || step.after !== null);
  const chart = makeChart({
    zoom: false,
    label: plural(steps.length, 'invocation') + ' of ' + point.model + ' on ' + point.device + ', in the order in which they ran. Arrow keys walk them; the table below has the same.',
    option: () => {
      const warm = [], timed = [], medians = [], heat = [], bands = [], ticks = [];
      stops.length = 0;
      let x = 0;
      steps.forEach((step, number) => {
        const begin = x;
        const gap = () => { warm.push([x, null]); timed.push([x, null]); };
        step.warm.forEach(value => { warm.push([x, value]); x++; });
        step.timed.forEach(value => { timed.push([x, value]); x++; });
        if (!fine) x++;
        const from = fine ? begin + step.warm.length : begin, to = Math.max(begin + 1, x) - (fine ? 1 : 0.999);
        medians.push({value: [(from + to) / 2, step.ms], step: number, symbol: step.taint ? CROSS : 'circle',
          itemStyle: {color: step.taint ? css('--taint') : css('--accent'), borderColor: css('--surface'), borderWidth: 1}});
        if (step.before !== null) heat.push([begin, step.before]);
        if (step.after !== null) heat.push([Math.max(begin, x - 1), step.after]);
        bands.push([{xAxis: begin - 0.5, itemStyle: {color: step.taint ? css('--taint-band') : number % 2 ? css('--band') : 'transparent'}}, {xAxis: x - 0.5}]);
        ticks.push((begin + x - 1) / 2);
        gap();
        stops.push({step: number});
      });
      const series = [
        {type: 'line', name: 'warm-up', data: warm, symbol: 'none', connectNulls: false, silent: true, lineStyle: {color: css('--muted'), width: 1.4, type: [2, 2]}, markArea: {silent: true, data: bands}},
        {type: 'line', name: 'samples', data: timed, symbol: 'none', connectNulls: false, silent: true, lineStyle: {color: css('--accent'), width: 1.4, opacity: 0.75}},
        {type: 'scatter', name: 'median', data: medians, symbolSize: 10, z: 5},
      ];
      if (hot) series.push({type: 'line', name: 'temperature', yAxisIndex: 1, data: heat, symbol: 'none', silent: true, lineStyle: {color: css('--heat'), width: 1.4, type: [6, 3]}});
      // Nothing is drawn of it: a legend names series alone, and who is tainted is a cross among the medians.
      series.push({type: 'scatter', name: 'tainted', data: []});
      stops.forEach((stop, index) => { stop.series = 2; stop.index = index; });
      return {
        color: [css('--muted'), css('--accent'), css('--accent'), ...(hot ? [css('--heat')] : []), css('--taint')],
        grid: {left: 52, right: hot ? 46 : 16, top: 40, bottom: 40},
        legend: {top: 0, left: 0, itemWidth: 22, itemHeight: 8, textStyle: {color: css('--muted'), fontSize: 11}, selectedMode: false,
          data: (fine ? [rule('warm-up'), rule('samples'), {name: 'median', icon: 'circle'}] : [{name: 'median', icon: 'circle'}]).concat(steps.some(step => step.taint) ? [{name: 'tainted', icon: CROSS, itemStyle: {color: css('--taint')}}] : []).concat(hot ? [rule('temperature')] : [])},
        xAxis: axisLook({type: 'value', min: -0.5, max: Math.max(0.5, x - 0.5), name: 'Invocation, as they ran', nameLocation: 'middle', nameGap: 24, splitLine: {show: false},
          axisTick: {show: false}, axisLabel: {color: css('--muted'), fontSize: 11, hideOverlap: true, customValues: ticks, formatter: value => String(ticks.indexOf(value) + 1)}}),
        yAxis: [axisLook({type: 'value', scale: true, name: 'ms', nameGap: 8, splitNumber: 4}),
          hot ? axisLook({type: 'value', scale: true, name: '°C', nameGap: 8, splitNumber: 4, splitLine: {show: false}}) : {show: false, type: 'value'}],
        tooltip: tooltipLook(event => event.data && event.data.step !== undefined ? tip('Invocation ' + (event.data.step + 1), stepFacts(steps[event.data.step])) : ''),
        series,
      };
    },
    walk: () => stops.map(stop => ({series: stop.series, index: stop.index, text: 'Invocation ' + (stop.step + 1) + ': ' + stepFacts(steps[stop.step]).filter(fact => fact[1]).map(fact => fact.join(' ')).join('; ')})),
  });
  return chart;
}
function stepFacts(step) {
  return [['Median', step.text], ['Began', step.at + ' UTC'], ['Round', String(step.round + 1)],
    ['Its interval', step.more], ['Tainted', step.taint]];
}
function stepTable(detail) {
  return make('details', {class: 'small'}, make('summary', {}, 'The invocations as a table'),
    make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Invocations'}, make('table', {class: 'steps'},
      make('thead', {}, make('tr', {}, ['#', 'Round', 'Began (UTC)', 'Median', 'What else was read', 'Tainted'].map(title => make('th', {scope: 'col'}, title)))),
      make('tbody', {}, stepsOf(detail).map((step, number) => make('tr', {class: step.taint ? 'tainted' : null},
        make('th', {scope: 'row'}, String(number + 1)), make('td', {}, String(step.round + 1)), make('td', {}, step.at),
        make('td', {class: 'right'}, step.text), make('td', {class: 'evidence'}, step.more), make('td', {class: 'evidence short'}, step.taint || 'no')))))));
}
function sustainedChart(point, detail) {
  const windows = detail.sustained;
  return makeChart({zoom: false, label: plural(windows.length, 'window') + ' of running ' + point.model + ' back to back',
    option: () => ({grid: {left: 52, right: 16, top: 28, bottom: 40},
      xAxis: axisLook({type: 'value', min: 1, max: Math.max(2, windows.length), minInterval: 1, name: 'Window, back to back', nameLocation: 'middle', nameGap: 24, splitLine: {show: false}}),
      yAxis: axisLook({type: 'value', scale: true, name: 'ms', nameGap: 8, splitNumber: 3}),
      series: [{type: 'line', step: 'middle', symbol: 'none', lineStyle: {color: css('--heat'), width: 1.6}, data: windows.map((value, at) => [at + 1, value])}]})});
}
