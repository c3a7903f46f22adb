// Signs and verifies envelopes with `jose` and with WebCrypto: one JSON question on standard input,
// one JSON answer on standard output. Run from a folder that has `jose` in its node_modules.

import * as jose from 'jose'

const text = new TextDecoder()
const bytes = new TextEncoder()

async function withJose(payload, { alg, kid, typ }, jwk) {
  const key = await jose.importJWK(jwk, alg)
  return new jose.CompactSign(payload).setProtectedHeader({ typ, kid, alg }).sign(key)
}

async function withWebCrypto(payload, { alg, kid, typ }, jwk) {
  const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign'])
  const header = bytes.encode(JSON.stringify({ alg, kid, typ }))
  const signed = [header, payload].map((part) => jose.base64url.encode(part)).join('.')
  const signature = await crypto.subtle.sign('Ed25519', key, bytes.encode(signed))
  return `${signed}.${jose.base64url.encode(new Uint8Array(signature))}`
}

async function freshKeys() {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey)
  return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d }
}

async function verified({ jws, jwk }) {
  try {
    const { payload } = await jose.compactVerify(jws, await jose.importJWK(jwk, 'EdDSA'))
    return text.decode(payload)
  } catch (error) {
    return null
  }
}

const input = []
for await (const chunk of process.stdin) input.push(chunk)
const { sign, verify } = JSON.parse(Buffer.concat(input).toString())

const signed = []
for (const { payload, header } of sign) {
  const jwk = await freshKeys()
  const { d, ...pub } = jwk
  const named = { ...header, kid: await jose.calculateJwkThumbprint(pub) }
  for (const [by, make] of [['jose', withJose], ['WebCrypto', withWebCrypto]]) {
    signed.push({ by, jwk: pub, header: named, payload, jws: await make(bytes.encode(payload), named, jwk) })
  }
}
console.log(JSON.stringify({ signed, verified: await Promise.all(verify.map(verified)) }))
