// A single-page application: oidc-client-ts is told the issuer and who the application is.
const manager = new oidc.UserManager({
  ...CONFIGURATION,
  redirect_uri: `${location.origin}/`,
  silent_redirect_uri: `${location.origin}/`,
  post_logout_redirect_uri: `${location.origin}/`,
  loadUserInfo: true,
  automaticSilentRenew: false,
  silentRequestTimeoutInSeconds: 60,
  monitorSession: true,
  checkSessionIntervalInSeconds: 1,
  userStore: new oidc.WebStorageStateStore({ store: localStorage }),
});

// What the library tells the application, in order.
const heard = [];
for (const name of ["UserLoaded", "UserUnloaded", "UserSignedOut", "SilentRenewError"]) {
  manager.events[`add${name}`](() => heard.push(name));
}

document.querySelector("#log-in").onclick = () => manager.signinRedirect();
document.querySelector("#log-out").onclick = () => manager.signoutRedirect();

async function arrive() {
  const told = new URLSearchParams(location.search);
  if (!told.has("state")) return;
  await (told.has("iss") ? manager.signinCallback() : manager.signoutCallback());
  if (window === window.top) history.replaceState(null, "", "/");
}

async function show() {
  const user = await manager.getUser();
  document.querySelector("#who").textContent = user ? user.profile.name : "nobody";
}

// Settles when the page has dealt with what it was called with.
const ready = arrive().then(show, (error) => {
  document.querySelector("#who").textContent = error.message;
});
