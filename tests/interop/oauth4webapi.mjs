// One walk with oauth4webapi: reads commands as lines of JSON, answers each with a line.
import { createInterface } from "node:readline";
import * as oauth from "oauth4webapi";

const loopback = { [oauth.allowInsecureRequests]: true };
const methods = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
  none: () => oauth.None(),
};
let server, application, proof, redirect, verifier, state;

const commands = {
  async begin({ issuer, client_id, client_secret, method, redirect_uri, pkce }) {
    const url = new URL(issuer);
    const found = await oauth.discoveryRequest(url, { algorithm: "oauth2", ...loopback });
    server = await oauth.processDiscoveryResponse(url, found);
    application = { client_id };
    proof = methods[method](client_secret);
    redirect = redirect_uri;
    verifier = pkce ? oauth.generateRandomCodeVerifier() : oauth.nopkce;
    state = oauth.generateRandomState();
    const at = new URL(server.authorization_endpoint);
    const parameters = { response_type: "code", client_id, redirect_uri, scope: "read_write", state };
    if (pkce) {
      parameters.code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
      parameters.code_challenge_method = "S256";
    }
    at.search = new URLSearchParams(parameters);
    return { url: at.href };
  },
  async exchange({ landed }) {
    const checked = oauth.validateAuthResponse(server, application, new URL(landed), state);
    const response = await oauth.authorizationCodeGrantRequest(
      server, application, proof, checked, redirect, verifier, loopback,
    );
    return oauth.processAuthorizationCodeResponse(server, application, response);
  },
  async refresh({ token }) {
    const response = await oauth.refreshTokenGrantRequest(server, application, proof, token, loopback);
    return oauth.processRefreshTokenResponse(server, application, response);
  },
  async introspect({ token }) {
    const response = await oauth.introspectionRequest(server, application, proof, token, loopback);
    return oauth.processIntrospectionResponse(server, application, response);
  },
  async revoke({ token }) {
    const response = await oauth.revocationRequest(server, application, proof, token, loopback);
    await oauth.processRevocationResponse(response);
    return {};
  },
  async machine() {
    const response = await oauth.clientCredentialsGrantRequest(
      server, application, proof, { scope: "read_write" }, loopback,
    );
    return oauth.processClientCredentialsResponse(server, application, response);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...words } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](words);
  } catch (error) {
    answer = { error: error.error ?? error.code ?? error.name, status: error.status };
  }
  console.log(JSON.stringify(answer));
}
