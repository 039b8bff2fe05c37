// Sends the answer at once (OAuth 2.0 Form Post Response Mode §2). Before the page has loaded, so
// that the browser puts what follows in its place: going back does not send it again.
// By its button: an input may be named "submit", and would hide the form's own method.
document.getElementById("continue").click();
