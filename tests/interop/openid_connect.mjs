// Log in with openid-client: reads commands as lines of JSON, answers each with a line.
import { createInterface } from "node:readline";
import * as client from "openid-client";

let config, checks, tokens;

// What an application keeps of an answer, and what the library has verified in it.
const kept = (answer) => {
  tokens = { ...tokens, ...answer };
  return { ...answer, claims: answer.claims() };
};

const commands = {
  // All that is told of the server is its issuer.
  async begin({ issuer, client_id, client_secret, registered = {}, scope, asked = {} }) {
    const told = { client_secret, ...registered };
    config = await client.discovery(new URL(issuer), client_id, told, undefined, {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
      ...(asked.max_age && { maxAge: Number(asked.max_age) }),
    };
    const { pkceCodeVerifier, expectedState, expectedNonce } = checks;
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: registered.redirect_uris[0],
      scope,
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      ...asked,
    });
    return { url: url.href };
  },
  async decrypt_with({ jwk, alg, enc }) {
    const name = { name: "RSA-OAEP", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", jwk, name, false, ["decrypt", "unwrapKey"]);
    client.enableDecryptingResponses(config, [enc], { key, alg, kid: jwk.kid });
    return {};
  },
  async exchange({ landed }) {
    return kept(await client.authorizationCodeGrant(config, new URL(landed), checks));
  },
  async exchange_form({ url, form }) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const request = new Request(url, { method: "POST", headers, body: form });
    return kept(await client.authorizationCodeGrant(config, request, checks));
  },
  userinfo: ({ sub }) => client.fetchUserInfo(config, tokens.access_token, sub),
  async refresh() {
    return kept(await client.refreshTokenGrant(config, tokens.refresh_token));
  },
  async sign_out({ asked = {} }) {
    const parameters = { id_token_hint: tokens.id_token, ...asked };
    return { url: client.buildEndSessionUrl(config, parameters).href };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...words } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](words);
  } catch (error) {
    const why = error.cause?.code ?? error.cause?.message ?? error.message;
    answer = { error: error.error ?? error.code ?? error.name, why };
  }
  console.log(JSON.stringify(answer));
}
