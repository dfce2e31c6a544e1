/** What any program that we start may know of this machine; keys and tokens are not among it. */
const PASSED_ON =
  /^(PATH|HOME|TMPDIR|LANG|LC_\w+|CUDA_\w+|NCCL_\w+|OMP_\w+|HF_HOME|RESET_FAILPOINTS|RESET_FAILPOINT_MARKS)$/;

/** The environment of a program that is started for a profile; `named` are further variables that the profile lets it see. */
export function programEnvironment(named: readonly string[] = []): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => PASSED_ON.test(name) || named.includes(name)),
  );
}
