// Tells an application whether somebody is still signed in here (OIDC Session Management §3.3).
//
// It is asked `client_id + " " + session_state` and answers "unchanged", "changed" or "error". The
// computation is that of src/troth/rules/session_state.py.
"use strict";

(function () {
  const cookie = document.documentElement.dataset.cookie + "=";
  const asked = /^(.*) ([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]+)$/s;

  // Where the page that holds this frame comes from: nobody else is answered (§3.3).
  function parentOrigin() {
    const above = window.location.ancestorOrigins;
    if (above && above.length) {
      return above[0];
    }
    try {
      return new URL(document.referrer).origin;
    } catch {
      return null;
    }
  }

  function browserState() {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(cookie));
    return found === undefined ? null : found.slice(cookie.length);
  }

  async function cookiesAreKept() {
    return document.hasStorageAccess ? await document.hasStorageAccess() : true;
  }

  async function digest(text) {
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const raw = String.fromCharCode(...new Uint8Array(bytes));
    return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  async function answer(message, origin) {
    const parts = typeof message === "string" ? asked.exec(message) : null;
    if (parts === null || origin !== parentOrigin()) {
      return "error";
    }
    const [, clientId, hash, salt] = parts;
    const state = browserState();
    if (state === null) {
      // A browser that hides our cookies from frames would say "changed" for ever, and the
      // application would ask the server for ever. After "error" it must not (§3.3).
      return (await cookiesAreKept()) ? "changed" : "error";
    }
    const now = await digest([clientId, origin, state, salt].join(" "));
    return now === hash ? "unchanged" : "changed";
  }

  window.addEventListener("message", async (event) => {
    if (event.source === null || event.origin === "null") {
      return; // nobody that an answer could be addressed to
    }
    let status = "error";
    try {
      status = await answer(event.data, event.origin);
    } catch {
      // No crypto in an insecure context: nothing can be said.
    }
    event.source.postMessage(status, event.origin);
  });
})();
