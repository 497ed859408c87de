"use strict";
// Fetches the live part of a run's page anew when its stream of events says that something happened.
const live = document.getElementById("live");
const id = live.dataset.run;
const stream = new EventSource(`/v1/runs/${id}/events`);
const ended = ["done", "failed", "cancelled"];
let waiting = null;

async function show() {
  waiting = null;
  const answer = await fetch(`/runs/${id}/live`);
  if (answer.ok) live.innerHTML = await answer.text();
}

function soon() {
  if (waiting === null) waiting = setTimeout(show, 400);
}

stream.addEventListener("incumbent", soon);
stream.addEventListener("state", (event) => {
  if (!ended.includes(JSON.parse(event.data).state)) return soon();
  stream.close();
  location.reload();
});
setInterval(soon, 5000); // so that the time goes on where nothing happens
