using System.CommandLine;
using System.Text.Json;
using CapVault.Cli;

namespace CapVault.Tests.Cli;

/// <summary>What the command line says about wrong input. Nothing here reaches a relayer.</summary>
public sealed class CommandLineTests : IDisposable
{
    private const string AgentKey = "croo_sk_000000000000000000_secret";
    private const string NobodyThere = "http://127.0.0.1:9";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("capvault-cli-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("", "Required command was not provided", "capvault --help")]
    [InlineData("pya ord_1", "pya", "capvault --help")]
    [InlineData("pay", "orderId", "capvault pay --help")]
    [InlineData("pay ord_1 ord_2", "ord_2", "capvault pay --help")]
    [InlineData("orders get", "orderId", "capvault orders get --help")]
    [InlineData("pay ord_1 --as owner", "owner", "capvault pay --help")]
    [InlineData("deliver ord_1", "--text or --schema", "capvault deliver --help")]
    [InlineData("deliver ord_1 --text a --schema {}", "--text or --schema", "capvault deliver --help")]
    [InlineData("deliver ord_1 --text a --schema-file /dev/null", "--text or --schema", "capvault deliver --help")]
    [InlineData("files upload /nowhere/at/all", "/nowhere/at/all", "capvault files upload --help")]
    [InlineData("files download", "objectKey", "capvault files download --help")]
    [InlineData("reject ord_1", "--reason", "capvault reject --help")]
    [InlineData("sandbox up --port 0", "expected 1 to 65535", "capvault sandbox up --help")]
    [InlineData("sandbox up --anvil-port 65536", "expected 1 to 65535", "capvault sandbox up --help")]
    [InlineData("sandbox advance soon", "soon", "capvault sandbox advance --help")]
    [InlineData("services create --agent agt_1 --name x --price 1.00", "--sla-minutes", "capvault services create --help")]
    [InlineData("services create --agent agt_1 --name x --price 1.00 --sla-minutes 30 --type pdf", "pdf", "capvault services create --help")]
    [InlineData("services create --agent agt_1 --name x --price 1.00 --sla-minutes 30 --requirements file", "file", "capvault services create --help")]
    [InlineData("services search one two", "two", "capvault services search --help")]
    [InlineData("keys create ci", "--scope", "capvault keys create --help")]
    [InlineData("keys create ci --scope root", "root", "capvault keys create --help")]
    [InlineData("keys rotate", "agentId", "capvault keys rotate --help")]
    [InlineData("agents pause", "agentId", "capvault agents pause --help")]
    public async Task A_wrong_command_line_ends_with_2_and_points_to_help(string line, string what, string next)
    {
        var (code, output, error) = await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        code.Should().Be(2);
        output.Should().BeEmpty();
        error.Should().Contain(what).And.Contain(next);
    }

    [Theory]
    [InlineData("orders list")]
    [InlineData("negotiate")]
    [InlineData("watch --as provider")]
    [InlineData("sandbox demo --key ohk_test_1")]
    public async Task Without_a_sandbox_the_next_step_is_named(string line)
    {
        var (code, _, error) = await RunAsync([.. line.Split(' '), "--dir", _folder.FullName]);

        code.Should().Be(1);
        error.Should().Contain(_folder.FullName).And.Contain("Next: capvault sandbox up").And.Contain("--api");
    }

    [Fact]
    public async Task Without_a_side_a_command_that_either_side_may_give_asks_for_one()
    {
        var (code, _, error) = await RunAsync("reject", "ord_1", "--reason", "no", "--api", NobodyThere);

        code.Should().Be(2);
        error.Should().Contain("--as requester");
    }

    [Fact]
    public async Task Signing_in_asks_for_a_key_and_never_shows_it()
    {
        var file = Path.Combine(_folder.FullName, "owner.key");
        await File.WriteAllTextAsync(file, "0xtopsecret");

        var without = await RunAsync("sign-in", "--api", NobodyThere);
        var wrong = await RunAsync("sign-in", "--api", NobodyThere, "--key-file", file);
        var asSandbox = await RunAsync("sign-in", "--api", NobodyThere, "--as", "provider");

        (without.Code, wrong.Code, asSandbox.Code).Should().Be((2, 2, 2));
        without.Error.Should().Contain("--key-file");
        wrong.Error.Should().Contain(file).And.Contain("64 hex digits").And.NotContain("topsecret");
        asSandbox.Error.Should().Contain("--api", "the sandbox's keys are not for another relayer");
    }

    [Theory]
    [InlineData("orders list --key ohk_test_topsecret --api http://127.0.0.1:9", "croo_sk_")]
    [InlineData("agents list --key croo_sk_topsecret --api http://127.0.0.1:9", "ohk_")]
    [InlineData("orders list --key croo_sk_topsecret --api localhost:1", "http://")]
    [InlineData("deliver ord_1 --schema {x --key croo_sk_topsecret --api http://127.0.0.1:9", "not JSON")]
    public async Task A_wrong_value_ends_with_2_and_keys_are_not_shown(string line, string expected)
    {
        var (code, _, error) = await RunAsync(line.Split(' '));

        code.Should().Be(2);
        error.Should().Contain(expected).And.NotContain("topsecret").And.NotContain("Exception");
    }

    [Fact]
    public async Task A_relayer_that_is_not_there_ends_with_1_and_says_where_it_was_looked_for()
    {
        var (code, _, error) = await RunAsync("negotiate", "svc_1", "--key", AgentKey, "--api", NobodyThere);

        code.Should().Be(1);
        error.Should().Contain(NobodyThere).And.Contain("Next:");
    }

    [Fact]
    public async Task With_json_errors_are_json_too()
    {
        var (code, output, error) = await RunAsync("negotiate", "svc_1", "--key", AgentKey, "--api", NobodyThere, "--json");

        code.Should().Be(1);
        output.Should().BeEmpty();
        var json = JsonDocument.Parse(error).RootElement;
        json.GetProperty("exitCode").GetInt32().Should().Be(1);
        json.GetProperty("error").GetString().Should().Contain("RELAYER_UNAVAILABLE");
    }

    [Fact]
    public async Task A_sandbox_that_is_not_up_is_reported_and_going_down_is_no_error()
    {
        var status = await RunAsync("sandbox", "status", "--dir", _folder.FullName);
        var down = await RunAsync("sandbox", "down", "--dir", _folder.FullName);

        status.Code.Should().Be(1);
        status.Error.Should().Contain("not up").And.Contain("capvault sandbox up");
        down.Code.Should().Be(0);
        down.Output.Should().Contain("was not up");
    }

    [Fact]
    public async Task Help_names_the_exit_codes_and_describes_every_command_and_option()
    {
        var (code, output, _) = await RunAsync("--help");

        code.Should().Be(0);
        output.Should().Contain("sandbox").And.Contain("Exit codes");
        All(CapVaultCli.BuildRoot())
            .SelectMany(command => command.Options.Cast<Symbol>().Concat(command.Arguments).Append(command))
            .Should().OnlyContain(symbol => !string.IsNullOrWhiteSpace(symbol.Description));
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await CapVaultCli.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
