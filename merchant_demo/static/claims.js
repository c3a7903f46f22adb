/**
 * What others may want of this wallet, or it of them: requests to pay, holds, locks, consents. No
 * screen; read anew from the API each time, for none of it is a truth of this browser's.
 */

const ROWS = 200;
const ASKED_SHOWN = 5;

/** The code of what this browser asks for with, where a reference must say something. */
export const REFERENCE = "wallet";

/**
 * {asks: open ones to be paid; asked: the last ones of this wallet; holds and locks, open, each with
 * `own`: whether the money is this wallet's; consents: active ones}.
 */
export async function claims({ api }, { holder }) {
  const own = new Set(holder.accounts.map(({ id }) => id));
  const of = async (what) =>
    (
      await Promise.all(
        holder.accounts.map(({ id }) => api.get(`/v1/accounts/${id}/${what}?limit=${ROWS}`)),
      )
    ).flatMap((answer) => answer[what]);
  const asks = (side) => api.get(`/v1/parties/${holder.party}/asks?side=${side}&limit=${ROWS}`);
  const [waiting, made, holds, locks, consents] = await Promise.all([
    asks("payer"),
    asks("payee"),
    of("holds"),
    of("locks"),
    of("consents"),
  ]);
  const ends = (one, other) => one.ends_at - other.ends_at;
  return {
    asks: waiting.asks.sort(ends),
    asked: made.asks.sort((one, other) => other.written - one.written).slice(0, ASKED_SHOWN),
    holds: holds.map((hold) => ({ ...hold, own: own.has(hold.from) })).sort(ends),
    locks: locks
      .filter(({ status }) => status === "locked")
      .map((lock) => ({ ...lock, own: own.has(lock.payer) }))
      .sort(ends),
    consents: consents.filter(({ status }) => status === "active").sort(ends),
  };
}
