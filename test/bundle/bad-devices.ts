/** What the rules about devices, of files and of networks, refuse. */
import { type Bent, type Case, without } from "./base.js";

const devices = (value: object) => (c: Bent) => (c.linux.netDevices = value);
const at = "config.json#/linux/netDevices";
const zero = { type: "c", path: "/dev/x", major: 1, minor: 5 };

export const BAD_DEVICES: Case[] = [
	[
		"one path for two devices",
		(c) => (c.linux.devices = [zero, { type: "u", path: "/dev/y", major: 1, minor: 5 }, { ...zero, minor: 3 }]),
		"config.json#/linux/devices/2/path: /dev/x is already device c 1:5 at /linux/devices/0; here it is c 1:3",
	],
	[
		"a device and a pipe",
		(c) => (c.linux.devices = [zero, { type: "p", path: "/dev/x" }]),
		"config.json#/linux/devices/1/path: /dev/x is already device c 1:5 at /linux/devices/0; here it is p",
	],
	[
		"a device twice with another mode",
		(c) => (c.linux.devices = [zero, { ...zero, type: "u", fileMode: 384 }]),
		"warning: config.json#/linux/devices/1: /dev/x is listed twice; mode and owner are those of /linux/devices/0",
	],
	[
		"network devices without a namespace",
		(c) => devices({ eth0: {} })(without("network")(c) ?? c),
		`${at}: unable to move network devices without a private NET namespace`,
	],
	...["a/b", "a:b", "a b", "..", "sixteen-letters!", ""].map(
		(name): Case => [
			`network device ${name}`,
			devices({ [name]: {} }),
			`${at}/${name.replace("/", "~1")}: invalid network device name ${JSON.stringify(name)}`,
		],
	),
	["pattern for a source", devices({ "eth%d": {} }), `${at}/eth%d: invalid network device name "eth%d"`],
	...["a/b", "eth%s", "%d%d", "eth%"].map(
		(name): Case => [
			`name ${name}`,
			devices({ eth0: { name } }),
			`${at}/eth0/name: invalid network device name ${JSON.stringify(name)}`,
		],
	),
	[
		"two devices of one name",
		devices({ a: { name: "c" }, b: { name: "c" } }),
		`${at}/b: the name c in the container is already that of a`,
	],
];
