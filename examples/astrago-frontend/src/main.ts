import { healthOf } from "./health";

const names: Record<string, string> = { core: "코어", batch: "배치", monitor: "모니터" };

const list = document.querySelector("#services");
for (const [service, name] of Object.entries(names)) {
  const item = document.createElement("li");
  item.textContent = name;
  list?.append(item);
  void healthOf(service).then((health) => item.classList.add(health));
}
