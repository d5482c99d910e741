// Before anything is drawn: the colours that were chosen, where they are not the system's.
try {
  const theme = localStorage.getItem('faceforge.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing shows the system's colours.
}
