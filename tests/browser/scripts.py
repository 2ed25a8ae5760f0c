"""What is asked of JupyterLab's page and of what stands on it, in JavaScript."""

from course_utils.display.bundles import ERROR_CLASS, PLAYGROUND_CLASS

FIND = "const panel = jupyterapp.shell.currentWidget;"
IDLE = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.sessionContext?.session?.kernel?.status === 'idle'
    && panel.content.model.cells.length > 0;
}"""
# An image's data may be there before it can be drawn.
DECODED = """() => Promise.all(
  [...document.images].map(image => image.decode().catch(() => {})))"""
RUN_ALL = """() => {
  window.courseRun = 'running';
  jupyterapp.commands.execute('notebook:run-all-cells').then(
    () => { window.courseRun = 'done'; },
    error => { window.courseRun = 'failed: ' + error; });
}"""
RUN_CELL = f"""async index => {{
  {FIND}
  panel.content.activeCellIndex = index;
  await jupyterapp.commands.execute('notebook:run-cell');
}}"""
# A page of JupyterLab costs seconds to load: another notebook needs no other page.
REPLACE = f"""async name => {{
  {FIND}
  await panel.sessionContext.shutdown();
  panel.context.model.dirty = false;  // so that it asks nothing
  panel.close();
  await jupyterapp.commands.execute('docmanager:open', {{ path: name }});
}}"""
# JupyterLab asks in dialogs and in toasts.
QUESTIONS = """() => [...document.querySelectorAll('.jp-Dialog, .Toastify__toast')]
  .map(element => element.innerText)"""
# What the kernel says about its language is written into the notebook.
IS_CHANGED = f"""async () => {{
  {FIND}
  await panel.sessionContext.session.kernel.info;
  await new Promise(done => setTimeout(done, 1000));
  return panel.context.model.dirty;
}}"""
THEME = """theme =>
  jupyterapp.commands.execute('apputils:change-theme', { theme })"""
IN_THEME = "theme => document.body.dataset.jpThemeName === theme"
SAVE = "() => jupyterapp.commands.execute('docmanager:save')"
# Of each output its kinds, and the words of one that failed: pictures stay there.
OUTPUTS = f"""() => {{
  {FIND}
  const failure = ({{ output_type, ename, evalue, data = {{}} }}) => {{
    if (output_type === 'error') return `${{ename}}: ${{evalue}}`;
    const failed = String(data['text/html']).includes('{ERROR_CLASS}');
    return failed ? String(data['text/plain']) : null;
  }};
  return panel.content.widgets.map(cell => cell.model.type !== 'code' ? [] :
    cell.model.sharedModel.toJSON().outputs.map(output => (
      {{ kinds: Object.keys(output.data ?? {{}}), failure: failure(output) }})));
}}"""
COUNTS = f"""() => {{
  {FIND}
  return panel.content.widgets.filter(
    cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim()
  ).map(cell => cell.model.executionCount);
}}"""
CUT_OFF = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter(area => area.scrollWidth > area.clientWidth + 1 && area.clientWidth)
  .map(area => `${area.scrollWidth} pixels in ${area.clientWidth}: ` +
    area.innerText.slice(0, 60))"""
FAILED_DRAWINGS = f"""() => [
  ...document.querySelectorAll('.{PLAYGROUND_CLASS} .{ERROR_CLASS}')
].map(element => element.innerText).filter(Boolean)"""
PICTURE = f"place => place.querySelector('.{PLAYGROUND_CLASS} img')"
# Pictures are compared on the page: the data of one is a long text.
REMEMBER = f"""place => {{
  window.courseBefore = window.courseLast = ({PICTURE})(place).src;
}}"""
REDRAWN = f"""place => {{
  const now = ({PICTURE})(place).src;
  const settled = now === window.courseLast;
  window.courseLast = now;
  return settled && now !== window.courseBefore && ({IDLE})();
}}"""
END_KERNEL = f"""async () => {{
  {FIND}
  await panel.sessionContext.shutdown();
}}"""
