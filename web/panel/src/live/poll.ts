/** Calls `run` every `ms` milliseconds while the page is visible; returns the function that stops it. */
export function poll(run: () => void, ms: number): () => void {
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') run();
  }, ms);
  return () => clearInterval(timer);
}
