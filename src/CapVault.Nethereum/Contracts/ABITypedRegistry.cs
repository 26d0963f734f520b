using System.Collections.Concurrent;
using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.ABI.Model;

namespace Nethereum.Contracts;

/// <summary>Functions, events and errors from the attributes of their C# classes, computed once.</summary>
public static class ABITypedRegistry
{
    private static readonly ConcurrentDictionary<Type, FunctionABI> Functions = new();
    private static readonly ConcurrentDictionary<Type, EventABI> Events = new();
    private static readonly ConcurrentDictionary<Type, ErrorABI> Errors = new();

    public static FunctionABI GetFunctionABI<TFunctionMessage>() => GetFunctionABI(typeof(TFunctionMessage));

    public static FunctionABI GetFunctionABI(Type functionABIType) => Functions.GetOrAdd(functionABIType, static type =>
        new FunctionABI(FunctionAttribute.GetAttribute(type)?.Name ?? throw Missing(type, "Function"), ParameterList.Of(type)));

    public static EventABI GetEvent<TEvent>() => GetEvent(typeof(TEvent));

    public static EventABI GetEvent(Type type) => Events.GetOrAdd(type, static type =>
        new EventABI(EventAttribute.GetAttribute(type)?.Name ?? throw Missing(type, "Event"), ParameterList.Of(type)));

    public static ErrorABI GetError<TError>() => GetError(typeof(TError));

    public static ErrorABI GetError(Type type) => Errors.GetOrAdd(type, static type =>
        new ErrorABI(ErrorAttribute.GetAttribute(type)?.Name ?? throw Missing(type, "Error"), ParameterList.Of(type)));

    private static ArgumentException Missing(Type type, string attribute) =>
        new($"Found {type.Name} without attribute, expected a class with [{attribute}(\"…\")].", nameof(type));
}
