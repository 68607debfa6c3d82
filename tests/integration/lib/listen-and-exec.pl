#!/usr/bin/perl
# listen-and-exec: what systemd and spawn-fcgi do: make a listening socket and
# become the program that inherits it.
#
#   listen-and-exec.pl systemd|spawn-fcgi|non-blocking unix:PATH|HOST:PORT PROGRAM ARG...
#
# systemd: descriptor 3 and LISTEN_FDS; the others: descriptor 0.
use strict;
use warnings;
use Fcntl;
use POSIX ();
use Socket;

my ($manner, $where, @program) = @ARGV;
my ($family, $address);
if ($where =~ /^unix:(.*)/) {
	($family, $address) = (PF_UNIX, pack_sockaddr_un("$1"));
} else {
	my ($host, $port) = split /:/, $where;
	($family, $address) = (PF_INET, pack_sockaddr_in($port, inet_aton($host)));
}
socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
bind($socket, $address) or die "bind to $where: $!";
listen($socket, 511) or die "listen: $!";
fcntl($socket, F_SETFL, O_NONBLOCK) if $manner eq 'non-blocking';

# dup2 leaves the copy open across exec; Perl's own descriptors are not.
my $number = $manner eq 'systemd' ? 3 : 0;
if (fileno($socket) == $number) {
	fcntl($socket, F_SETFD, 0) or die "fcntl: $!";
} else {
	POSIX::dup2(fileno($socket), $number) or die "dup2: $!";
}
@ENV{'LISTEN_PID', 'LISTEN_FDS'} = ($$, 1) if $manner eq 'systemd';
exec @program or die "exec: $!";
