/*
 * The first process of every pod sandbox. It holds the pod's namespaces, reaps orphans, and ends on INT or TERM.
 * Built without a C library (see vagrant/lab/recipes.py), so the image is one file of half a kilobyte.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long fourth __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#else
#error "pause.c knows the system call convention of x86_64 and aarch64 only"
#endif
}

#define BIT(signal) (1UL << ((signal) - 1))
#define WNOHANG 1

void _start(void)
{
	/* The kernel's own signal set: one bit a signal, 8 bytes. The first process of a namespace only gets signals it asks for. */
	unsigned long wanted = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

	call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&wanted, 0, sizeof wanted);
	for (;;) {
		long received = call(SYS_rt_sigtimedwait, (long)&wanted, 0, 0, sizeof wanted);
		if (received == SIGCHLD)
			while (call(SYS_wait4, -1, 0, WNOHANG, 0) > 0)
				;
		else if (received == SIGINT || received == SIGTERM)
			call(SYS_exit_group, 0, 0, 0, 0);
	}
}
