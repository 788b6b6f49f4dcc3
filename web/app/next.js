// @ts-check

/**
 * Where to go after signing in.
 * @param {string | null} wanted as the address says; written by anybody
 * @param {string} origin this page's
 * @returns {string} a path of this origin; the list where `wanted` is none
 */
export function nextPath(wanted, origin) {
  if (!wanted?.startsWith("/")) return "/";
  let url;
  try {
    url = new URL(wanted, origin);
  } catch {
    return "/";
  }
  if (url.origin !== origin || url.pathname === "/login") return "/";
  // From the pathname's first slash on, so that "//host" cannot come out of it again.
  return `/${url.pathname.replace(/^\/+/, "")}${url.search}${url.hash}`;
}
