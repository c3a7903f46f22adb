/**
 * What a browser keeps between visits: one small IndexedDB database of named values.
 *
 * It holds keys (a CryptoKey pair can be stored but not read out), cursors and unfinished work.
 * Nothing here is a truth about money: every screen asks the ledger again. Clearing the site's
 * data clears all of it.
 */

const DATABASE = "tenge";
const SHELF = "kept";

/**
 * Open the browser's store.
 * @returns {{get, put, putFirst, swap, drop}} each a promise; `putFirst` keeps what is already there
 *   and answers with whatever stands afterwards, so two windows opened at once share one value;
 *   `swap(key, revision, value)` puts only over a value with this `revision` (undefined: over
 *   nothing), is on the disk when it answers, and answers whether it put.
 */
export function openKeep(name = DATABASE) {
  let opening;
  const database = () => (opening ??= open(name));

  async function run(mode, work, options) {
    const db = await database();
    return new Promise((resolve, reject) => {
      const transaction = db.transaction(SHELF, mode, options);
      let answer;
      work(transaction.objectStore(SHELF), (value) => (answer = value));
      transaction.oncomplete = () => resolve(answer);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    get: (key) =>
      run("readonly", (shelf, answer) => {
        shelf.get(key).onsuccess = (event) => answer(event.target.result);
      }),
    put: (key, value) => run("readwrite", (shelf) => void shelf.put(value, key)),
    putFirst: (key, value) =>
      run("readwrite", (shelf, answer) => {
        shelf.get(key).onsuccess = (event) => {
          if (event.target.result === undefined) shelf.put(value, key);
          answer(event.target.result ?? value);
        };
      }),
    swap: (key, revision, value) =>
      run(
        "readwrite",
        (shelf, answer) => {
          shelf.get(key).onsuccess = (event) => {
            const fits = event.target.result?.revision === revision;
            if (fits) shelf.put(value, key);
            answer(fits);
          };
        },
        { durability: "strict" },
      ),
    drop: (key) => run("readwrite", (shelf) => void shelf.delete(key)),
  };
}

function open(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(SHELF);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The same calls over a Map, for programs without IndexedDB. Kept until the process ends. */
export function openMemory() {
  const shelf = new Map();
  return {
    get: async (key) => shelf.get(key),
    put: async (key, value) => void shelf.set(key, value),
    putFirst: async (key, value) => {
      if (!shelf.has(key)) shelf.set(key, value);
      return shelf.get(key);
    },
    swap: async (key, revision, value) => {
      const fits = shelf.get(key)?.revision === revision;
      if (fits) shelf.set(key, value);
      return fits;
    },
    drop: async (key) => void shelf.delete(key),
  };
}
