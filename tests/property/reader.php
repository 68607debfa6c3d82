<?php
// reader: php_reader, which is given records and answers with lines.

namespace WaTests;

class Reader
{
    public function __construct(private string $program)
    {
        if (!is_executable($program)) {
            throw new \RuntimeException("$program is missing: `make check` makes it");
        }
    }

    /** For each text its rc and the lines about its members. */
    public function arrays(array $texts): array
    {
        $answers = [];
        $lines = [];
        foreach ($this->run(['array'], $texts) as $line) {
            if (str_starts_with($line, 'm ')) {
                $lines[] = $line;
                continue;
            }
            $answers[] = [$line, $lines];
            $lines = [];
        }
        return $this->whole($answers, $texts);
    }

    /** For each envelope one line. */
    public function open(array $texts, string $key, string $previous): array
    {
        return $this->whole($this->run(['open', $key, $previous], $texts), $texts);
    }

    public function seal(array $plains, string $key, string $cipher): array
    {
        return $this->whole($this->run(['seal', $key, $cipher], $plains), $plains);
    }

    private function whole(array $answers, array $texts): array
    {
        if (count($answers) !== count($texts)) {
            throw new \RuntimeException(count($texts) . ' records have ' . count($answers) . ' answers');
        }
        return $answers;
    }

    /** Through files: with two pipes each could wait for the other. */
    private function run(array $arguments, array $records): array
    {
        $in = tmpfile();
        $out = tmpfile();
        foreach ($records as $record) {
            fwrite($in, pack('N', strlen($record)) . $record);
        }
        rewind($in);
        $process = proc_open([$this->program, ...$arguments], [$in, $out, STDERR], $pipes);
        $status = proc_close($process);
        if ($status !== 0) {
            throw new \RuntimeException("php_reader {$arguments[0]} ended with status $status");
        }
        rewind($out);
        $text = stream_get_contents($out);
        return $text === '' ? [] : explode("\n", substr($text, 0, -1));
    }
}
