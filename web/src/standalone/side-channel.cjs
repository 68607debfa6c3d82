// side-channel: what qs, a dependency of Inertia, remembers visited objects with. The package of this name also
// serves engines without WeakMap, and is a tenth of the bundle; no browser that runs this page needs that.

module.exports = function getSideChannel() {
  const seen = new WeakMap();
  return {
    has: (key) => seen.has(key),
    get: (key) => seen.get(key),
    set: (key, value) => void seen.set(key, value),
    delete: (key) => seen.delete(key),
    assert(key) {
      if (!seen.has(key)) throw new TypeError('Side channel does not contain the given key');
    },
  };
};
