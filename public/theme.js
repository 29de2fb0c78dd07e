// Before the first paint, so that a remembered theme does not flash. state/theme.svelte.ts does the rest.
try {
  const theme = localStorage.getItem('kvlab.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked: then the system's theme stands.
}
