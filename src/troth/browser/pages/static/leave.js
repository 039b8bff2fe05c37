// Goes back to the application when every frame has loaded, or one of them takes too long.
"use strict";

(function () {
  function leave() {
    window.location.replace(document.getElementById("continue").href);
  }

  window.addEventListener("load", leave);
  window.setTimeout(leave, 5000);
})();
