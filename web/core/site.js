// @ts-check
/** Where this portal is: behind a reverse proxy, maybe in a folder of a site. Modules are in its folder `static/`. */

const here = new URL(import.meta.url).pathname;
const found = here.lastIndexOf("/static/");

/** The path that everything of the portal is below; ends with a slash. Node, which tests the modules, has no folder `static/`. */
export const HOME = found < 0 ? "/" : here.slice(0, found + 1);

/**
 * @param {string} path below HOME, without a slash in front
 * @returns {string} the same from the top of this origin
 */
export function at(path) {
  return HOME + path;
}
