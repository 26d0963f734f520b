using System.Text.Json;
using CapVault.Sdk;
using Spectre.Console;

namespace CapVault.Cli;

/// <summary>Standard output: for people lines and tables, with <c>--json</c> one JSON value per result.</summary>
internal sealed class Printer(TextWriter output, bool json)
{
    private static readonly JsonSerializerOptions Indented = new(CapJson.Options) { WriteIndented = true };

    /// <summary>Whether somebody watches: spinners instead of plain lines.</summary>
    public bool IsTerminal => !json && ReferenceEquals(output, System.Console.Out) && !System.Console.IsOutputRedirected;

    /// <summary>The result as JSON, or its description for people.</summary>
    public void Result<T>(T value, Action<Printer> describe)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(value, Indented));
        }
        else
        {
            describe(this);
        }
    }

    /// <summary>One of many results, on a line of its own.</summary>
    public void Item<T>(T value, string line) => output.WriteLine(json ? JsonSerializer.Serialize(value, CapJson.Options) : line);

    /// <summary>For people only.</summary>
    public void Line(string text = "")
    {
        if (!json)
        {
            output.WriteLine(text);
        }
    }

    /// <summary>For people only: names and values below each other, those without a value left out.</summary>
    public void Fields(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        foreach (var (name, value) in fields)
        {
            if (value is not null)
            {
                Line($"  {name,-16} {value}");
            }
        }
    }

    /// <summary>For people only.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (json)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column)).NoWrap());
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        var console = Console();
        if (!IsTerminal)
        {
            console.Profile.Width = 1000; // a file or a pipe has no edge to wrap at
        }

        console.Write(table);
    }

    /// <summary>Does one step of something longer: says what, meanwhile, and how long it took.</summary>
    public async Task<T> StepAsync<T>(string what, Func<Task<T>> step)
    {
        var started = TimeProvider.System.GetTimestamp();
        if (IsTerminal)
        {
            var result = await Console().Status().StartAsync(Markup.Escape(what), _ => step());
            Line($"  ✓ {what} ({Seconds(started)})");
            return result;
        }

        Part($"  {what} … ");
        try
        {
            var result = await step();
            Line(Seconds(started));
            return result;
        }
        catch
        {
            Line("failed");
            throw;
        }
    }

    private void Part(string text)
    {
        if (!json)
        {
            output.Write(text);
            output.Flush();
        }
    }

    private static string Seconds(long started) => $"{TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s";

    private IAnsiConsole Console() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
}
