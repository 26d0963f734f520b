using System.Collections.Concurrent;
using Nethereum.ABI;
using Nethereum.ABI.Model;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace Nethereum.Contracts;

/// <summary>A decoded event.</summary>
public interface IEventLog
{
    FilterLog Log { get; }
}

/// <summary>A decoded event with the log that it came from.</summary>
public class EventLog<T> : IEventLog
{
    public EventLog(T eventObject, FilterLog log)
    {
        Event = eventObject;
        Log = log;
    }

    public T Event { get; }

    public FilterLog Log { get; }
}

/// <summary>From logs to events.</summary>
public static class EventExtensions
{
    private static readonly ConcurrentDictionary<Type, (ParameterList Topics, ParameterList Data)> Layouts = new();

    public static EventABI GetEventABI<TEventDTO>() => ABITypedRegistry.GetEvent<TEventDTO>();

    /// <summary>Whether the log's first topic is the event's.</summary>
    public static bool IsLogForEvent<TEventDTO>(this FilterLog log) => GetEventABI<TEventDTO>().IsLogForEvent(log);

    /// <summary>Whether the log's first topic is the event's.</summary>
    public static bool IsLogForEvent(this EventABI eventABI, FilterLog log) => log.IsLogForEvent(eventABI.Sha3Signature);

    /// <param name="signature">The event's first topic, with or without 0x.</param>
    public static bool IsLogForEvent(this FilterLog log, string signature) =>
        log.Topics is { Length: > 0 } && log.Topics[0].ToString().IsTheSameHex(signature);

    /// <summary>The log as the event; null if it is of another event.</summary>
    /// <exception cref="FormatException">Topics or data are not of the event's parameters.</exception>
    public static EventLog<TEventDTO> DecodeEvent<TEventDTO>(this FilterLog log) where TEventDTO : new()
    {
        if (!log.IsLogForEvent<TEventDTO>())
        {
            return null;
        }

        var (topics, data) = Layouts.GetOrAdd(typeof(TEventDTO), static type =>
            (ParameterList.Of(type).Where(c => c.Parameter.Parameter.Indexed), ParameterList.Of(type).Where(c => !c.Parameter.Parameter.Indexed)));
        if (log.Topics.Length != topics.Components.Length + 1)
        {
            throw new FormatException($"Found {log.Topics.Length - 1} indexed values in a log of {typeof(TEventDTO).Name}, expected {topics.Components.Length}.");
        }

        var result = new TEventDTO();
        for (var i = 0; i < topics.Components.Length; i++)
        {
            var component = topics.Components[i];
            if (component.Type.IsDynamic)
            {
                throw new NotSupportedException($"{component.Parameter.Name}: found an indexed {component.Type.Name}, of which a log has the hash only; expected a type of one word.");
            }

            component.Set(result, component.Type.Read(new AbiReader(log.Topics[i + 1].ToString().HexToByteArray(), 0), 0, component.ClrType));
        }

        data.Read(new AbiReader(log.Data.HexToByteArray(), 0), 0, result);
        return new EventLog<TEventDTO>(result, log);
    }

    /// <summary>The logs that are of the event, decoded, in their order.</summary>
    public static List<EventLog<TEventDTO>> DecodeAllEvents<TEventDTO>(this FilterLog[] logs) where TEventDTO : new() =>
        [.. logs.Select(DecodeEvent<TEventDTO>).Where(e => e is not null)];

    /// <summary>The receipt's logs that are of the event, decoded, in their order.</summary>
    public static List<EventLog<TEventDTO>> DecodeAllEvents<TEventDTO>(this TransactionReceipt transactionReceipt) where TEventDTO : new() =>
        transactionReceipt.Logs.DecodeAllEvents<TEventDTO>();
}
