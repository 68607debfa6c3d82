#!/usr/bin/perl
# hold-file.pl FILE: lock a file as PHP does while it writes, empty it, say "held", and then write
# to it what comes in, piece by piece ("wrote" after each line); the lock ends with the input.
use strict;
use warnings;
use Fcntl qw(:flock);

$| = 1;
open(my $file, '+<', $ARGV[0]) or die "$ARGV[0]: $!\n";
flock($file, LOCK_EX) or die "flock: $!\n";
truncate($file, 0) or die "truncate: $!\n";
print "held\n";
while (my $piece = <STDIN>) {
	chomp $piece;
	syswrite($file, $piece) // die "write: $!\n";
	print "wrote\n";
}
