/** Unix time (ms) at which the list has, or has not any more, a link to this console. */
({ href, present }) =>
  new Promise((resolve) => {
    const check = () => {
      if ((document.querySelector(`a[href="${href}"]`) !== null) !== present) return;
      observer.disconnect();
      resolve(performance.timeOrigin + performance.now());
    };
    const observer = new MutationObserver(check);
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    check();
  })
