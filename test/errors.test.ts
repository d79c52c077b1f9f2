import t from "tap";
import { RuntimeError } from "../src/errors.js";

t.test("a prefix keeps code, context and status", async (t) => {
	const error = new RuntimeError("hook", "hook failed", { pointer: "/hooks/prestart/0" }, 255);
	const prefixed = error.prefixed("runc create failed: ");
	t.equal(prefixed.message, "runc create failed: hook failed");
	t.match(prefixed, { code: "hook", context: { pointer: "/hooks/prestart/0" }, status: 255 });
});
