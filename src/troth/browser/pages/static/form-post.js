// Sends the answer at once (OAuth 2.0 Form Post Response Mode §2). Before the page has loaded, so
// that the browser puts what follows in its place: going back does not send it again.
// An input may be named "submit" and hide the form's own method.
HTMLFormElement.prototype.submit.call(document.getElementById("answer"));
