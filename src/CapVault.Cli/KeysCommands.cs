using System.CommandLine;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.Cli;

/// <summary><c>keys create|list|revoke|rotate</c> and <c>sign-in</c>.</summary>
internal static class KeysCommands
{
    /// <summary>For commands of Owners.</summary>
    public static readonly Option<FileInfo?> OwnerKeyFile = new("--key-file")
    {
        Description = "File with the Owner's private key, 0x and 64 hex digits. The default is the sandbox's Owner that --as names.",
        HelpName = "file",
    };

    public static Command Create() => new("keys", "Keys of the operator, and new keys for agents.")
    {
        CreateKey(),
        List(),
        Revoke(),
        Rotate(),
    };

    public static Command SignIn()
    {
        return new Command("sign-in", "Sign in as an Owner; prints a token for --key, good for an hour.") { OwnerKeyFile }.Runs(async (session, cancellationToken) =>
        {
            using var setup = await SetupClient.SignInAsync(session.Connection(), OwnerKey(session), cancellationToken);
            var owner = setup.Session!;
            session.Print.Result(owner, print =>
            {
                print.Fields(("owner", owner.Owner), ("token", owner.Token), ("good until", owner.ExpiresAt.ToString("u")));
                print.Line("Next: capvault agents list --key <token>");
            });
        });
    }

    /// <summary>A key that is shown this once.</summary>
    public static void Show(Printer print, string what, string key)
    {
        print.Fields((what, key));
        print.Line($"Keep the {what}: it cannot be shown again.");
    }

    private static Command CreateKey()
    {
        var name = new Argument<string>("name") { Description = "1–64 characters: who or what uses it." };
        var scopes = new Option<string[]>("--scope")
        {
            Description = "What it may do; several times for several.",
            HelpName = "read|write|support|admin",
            Required = true,
        };
        scopes.AcceptOnlyFromAmong(Scope.Read.Value, Scope.Write.Value, Scope.Support.Value, Scope.Admin.Value);
        return new Command("create", "Make an operator key (admin). It is shown this once.") { name, scopes }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var request = new CreateApiKeyRequest { Name = session.Value(name), Scopes = [.. session.Value(scopes)!.Select(Scope.Parse)] };
            var created = await setup.CreateApiKeyAsync(request, cancellationToken);
            session.Print.Result(created, print =>
            {
                print.Fields(("id", created.ApiKey.KeyId), ("name", created.ApiKey.Name), ("scopes", Words(created.ApiKey)));
                Show(print, "operator key", created.Key);
            });
        });
    }

    private static Command List() => new Command("list", "Operator keys that work, newest first (admin).") { PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var page = await setup.ListApiKeysAsync(PageOptions.Read(session), cancellationToken);
        session.Print.Result(page, print =>
        {
            print.Table(
                ["id", "name", "scopes", "made"],
                page.Items.Select(key => (IReadOnlyList<string>)[key.KeyId, key.Name, Words(key), key.CreatedTime.ToString("u")]));
            PageOptions.More(print, page.NextCursor);
        });
    });

    private static Command Revoke()
    {
        var id = new Argument<string>("keyId") { Description = "As 'keys list' shows it." };
        return new Command("revoke", "Revoke an operator key at once (admin).") { id }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            await setup.RevokeApiKeyAsync(session.Value(id), cancellationToken);
            session.Print.Result(new { revoked = true }, print => print.Line("The key is dead."));
        });
    }

    private static Command Rotate()
    {
        var id = new Argument<string>("agentId") { Description = "agt_…" };
        return new Command("rotate", "Give an agent a new SDK key; the old one is dead at once (operator, or Owner).") { id }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var key = await setup.RotateSdkKeyAsync(session.Value(id), cancellationToken);
            session.Print.Result(new RotateSdkKeyResult { SdkKey = key }, print => Show(print, "SDK key", key));
        });
    }

    /// <summary>The Owner's key, for what only an Owner may do.</summary>
    public static EthECKey OwnerKey(Session session)
    {
        var file = session.Value(OwnerKeyFile);
        var text = file is null ? session.SandboxOwnerKey() : File.ReadAllText(file.FullName).Trim();
        try
        {
            return new EthECKey(text);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            // Not the exception's own message: it may show the key.
            throw new CliException($"Found no private key in {file?.FullName}, expected 0x and 64 hex digits.", "", ExitCode.Usage);
        }
    }

    private static string Words(ApiKey key) => string.Join(", ", key.Scopes);
}
