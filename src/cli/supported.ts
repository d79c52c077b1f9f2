/**
 * Words of config.json that this runtime takes, for the features document. The validators know the same words from
 * spec-schemas/, which are not there at run time; test/cli/features.test.ts compares the two, less what
 * src/bundle/unsupported.ts refuses.
 */

export const hooks = [
	"prestart",
	"createRuntime",
	"createContainer",
	"startContainer",
	"poststart",
	"poststop",
] as const;

export const namespaces = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"] as const;

export const seccomp = {
	actions: [
		"SCMP_ACT_ALLOW",
		"SCMP_ACT_ERRNO",
		"SCMP_ACT_KILL",
		"SCMP_ACT_KILL_PROCESS",
		"SCMP_ACT_KILL_THREAD",
		"SCMP_ACT_LOG",
		"SCMP_ACT_TRACE",
		"SCMP_ACT_TRAP",
	],
	operators: [
		"SCMP_CMP_EQ",
		"SCMP_CMP_GE",
		"SCMP_CMP_GT",
		"SCMP_CMP_LE",
		"SCMP_CMP_LT",
		"SCMP_CMP_MASKED_EQ",
		"SCMP_CMP_NE",
	],
	/** Those of libseccomp 2.5; of the schema's words LoongArch, M68K and SuperH came with 2.6. */
	architectures: [
		"SCMP_ARCH_AARCH64",
		"SCMP_ARCH_ARM",
		"SCMP_ARCH_MIPS",
		"SCMP_ARCH_MIPS64",
		"SCMP_ARCH_MIPS64N32",
		"SCMP_ARCH_MIPSEL",
		"SCMP_ARCH_MIPSEL64",
		"SCMP_ARCH_MIPSEL64N32",
		"SCMP_ARCH_PARISC",
		"SCMP_ARCH_PARISC64",
		"SCMP_ARCH_PPC",
		"SCMP_ARCH_PPC64",
		"SCMP_ARCH_PPC64LE",
		"SCMP_ARCH_RISCV64",
		"SCMP_ARCH_S390",
		"SCMP_ARCH_S390X",
		"SCMP_ARCH_X32",
		"SCMP_ARCH_X86",
		"SCMP_ARCH_X86_64",
	],
	flags: [
		"SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		"SECCOMP_FILTER_FLAG_TSYNC",
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	],
} as const;

export const memoryPolicy = {
	modes: [
		"MPOL_BIND",
		"MPOL_DEFAULT",
		"MPOL_INTERLEAVE",
		"MPOL_LOCAL",
		"MPOL_PREFERRED",
		"MPOL_PREFERRED_MANY",
		"MPOL_WEIGHTED_INTERLEAVE",
	],
	flags: ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"],
} as const;
